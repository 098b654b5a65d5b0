using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Short forms for a responder: a single prompt, and visual tokens as ML.NET's columns hold them.</summary>
public static class MetaMorphResponderExtensions
{
    /// <summary>Answers one prompt, piece by piece while the answer is made.</summary>
    /// <param name="responder">The responder.</param>
    /// <param name="prompt">The prompt; <c>&lt;image&gt;</c> marks where an image stands.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c> for the k marks, as <c>EncodeImages</c> gives them; empty for none.</param>
    /// <param name="options">How the answer is made; null as the transformer does.</param>
    /// <param name="cancellationToken">Ends the answer early, with what was made.</param>
    /// <returns>The pieces, as <see cref="MetaMorphResponder.StreamAsync"/> gives them.</returns>
    /// <exception cref="ArgumentException">Marks and visual tokens do not fit together.</exception>
    public static IAsyncEnumerable<ResponseUpdate> StreamAsync(this MetaMorphResponder responder, string prompt, ReadOnlyMemory<float> visualTokens = default, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(responder);
        ArgumentNullException.ThrowIfNull(prompt);
        return responder.StreamAsync([ConversationMessage.User(prompt, visualTokens)], options, cancellationToken);
    }

    /// <summary>Answers one prompt.</summary>
    /// <param name="responder">The responder.</param>
    /// <param name="prompt">The prompt; <c>&lt;image&gt;</c> marks where an image stands.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c> for the k marks, as <c>EncodeImages</c> gives them; empty for none.</param>
    /// <param name="options">How the answer is made; null as the transformer does.</param>
    /// <param name="cancellationToken">Ends the answer early: it then holds what was made.</param>
    /// <returns>The whole answer.</returns>
    /// <exception cref="ArgumentException">Marks and visual tokens do not fit together.</exception>
    public static Task<GeneratedResponse> RespondAsync(this MetaMorphResponder responder, string prompt, ReadOnlyMemory<float> visualTokens = default, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(responder);
        ArgumentNullException.ThrowIfNull(prompt);
        return responder.RespondAsync([ConversationMessage.User(prompt, visualTokens)], options, cancellationToken);
    }

    /// <summary>The message with visual tokens from a column of an <see cref="IDataView"/>.</summary>
    /// <param name="message">The message.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c>, dense or sparse; copied.</param>
    /// <returns>The same message with these images.</returns>
    public static ConversationMessage WithVisualTokens(this ConversationMessage message, in VBuffer<float> visualTokens)
    {
        ArgumentNullException.ThrowIfNull(message);
        var values = new float[visualTokens.Length];
        visualTokens.CopyTo(values);
        return message with { VisualTokens = values };
    }
}
