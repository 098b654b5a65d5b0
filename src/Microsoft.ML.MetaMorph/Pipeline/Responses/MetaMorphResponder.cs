using System.Runtime.CompilerServices;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Answers conversations one by one, asynchronously: as a stream of pieces or as a whole, with cancellation that keeps what was made.
/// From <see cref="MetaMorphTransformer.CreateResponder"/>.
/// </summary>
/// <remarks>
/// <para>For tables of prompts use the transformer, which answers many rows in one batch. A responder is for chats and services.</para>
/// <para>Thread-safe. Any number of answers may be under way at a time; they share the transformer's weights and one thread of the
/// responder, on which they take turns, a position each (the reading of a prompt is one turn). More of them add latency, not throughput.</para>
/// <para>Cancellation does not throw: the answer ends with <see cref="ResponseFinishReason.Cancelled"/> and holds what was made until
/// then, without an image that was not whole. So do answers that are under way when the responder is disposed, and all of them
/// once the execution of the <see cref="MLContext"/> is cancelled. Leaving an <c>await foreach</c> early cancels too.</para>
/// <para>The responder holds the weights as a transformer does: dispose each on its own, in any order.</para>
/// </remarks>
public sealed class MetaMorphResponder : IDisposable, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly MetaMorphSettings _settings;
    private readonly ResponseModel _model;
    private readonly ResponseSurroundings _surroundings;
    private readonly TorchThread _thread;
    private volatile bool _disposed;

    /// <summary>Where the work is done.</summary>
    internal TorchThread Thread => _thread;

    internal MetaMorphResponder(IHostEnvironment environment, MetaMorphSettings settings, Lease<ResponseModel> model)
    {
        _host = environment.Register(nameof(MetaMorphResponder));
        _settings = settings;
        _model = model.Value;
        _surroundings = new ResponseSurroundings(Log, () => MLNetInternals.IsCanceled(_host));
        _thread = new TorchThread("MetaMorph responder", model.Dispose);
    }

    /// <summary>A responder that was forgotten ends its thread, and gives its hold on the weights back.</summary>
    ~MetaMorphResponder() => _thread?.StopAsync();

    /// <summary>N: visual tokens an image.</summary>
    public int VisualTokenCount => _model.Config.VisualTokenCount;

    /// <summary>D: the width of a visual token.</summary>
    public int VisualTokenWidth => _model.Config.VisualTokenWidth;

    /// <summary>Answers a conversation, piece by piece while the answer is made.</summary>
    /// <param name="messages">
    /// The conversation so far; the last message is to be answered. Every <c>&lt;image&gt;</c> mark needs its image among the message's
    /// <see cref="ConversationMessage.VisualTokens"/>. Without a system message the transformer's own, if it has one, comes first.
    /// </param>
    /// <param name="options">How the answer is made; null as the transformer does. Read now: later changes have no effect.</param>
    /// <param name="cancellationToken">Ends the answer early, with what was made.</param>
    /// <returns>
    /// The pieces, each as soon as it is certain. The last one is <see cref="ResponseUpdateKind.Finished"/>, and its
    /// <see cref="ResponseUpdate.Response"/> the whole answer. The answer is begun when the pieces are first asked for, and anew for each
    /// enumeration.
    /// </returns>
    /// <exception cref="ArgumentException">A message cannot be read; it is named by its number. Or the conversation takes more positions than the model has.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses the conversation.</exception>
    /// <exception cref="ObjectDisposedException">The responder was disposed.</exception>
    public IAsyncEnumerable<ResponseUpdate> StreamAsync(IEnumerable<ConversationMessage> messages, GenerationOptions? options = null, CancellationToken cancellationToken = default)
        => Pieces(Encode(messages), Options(options), cancellationToken);

    /// <summary>Answers a conversation.</summary>
    /// <param name="messages">The conversation so far, as for <see cref="StreamAsync"/>.</param>
    /// <param name="options">How the answer is made; null as the transformer does. Read now: later changes have no effect.</param>
    /// <param name="cancellationToken">Ends the answer early: it then holds what was made.</param>
    /// <returns>The whole answer.</returns>
    /// <exception cref="ArgumentException">A message cannot be read; it is named by its number. Or the conversation takes more positions than the model has.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses the conversation.</exception>
    /// <exception cref="ObjectDisposedException">The responder was disposed.</exception>
    public Task<GeneratedResponse> RespondAsync(IEnumerable<ConversationMessage> messages, GenerationOptions? options = null, CancellationToken cancellationToken = default)
        => Begin(Encode(messages), Options(options), streamed: false, cancellationToken).Response;

    /// <summary>Ends answers under way with what was made, waits for that, and gives the hold on the weights back.</summary>
    public void Dispose()
    {
        _disposed = true;
        GC.SuppressFinalize(this);
        _thread.Dispose();
    }

    /// <summary>As <see cref="Dispose"/>, without blocking the caller.</summary>
    /// <returns>Done once no answer is under way any more.</returns>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        GC.SuppressFinalize(this);
        await _thread.StopAsync().ConfigureAwait(false);
    }

    private GenerationRequest Encode(IEnumerable<ConversationMessage> messages)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return ConversationPrompt.Encode(messages, _model, _settings.SystemMessage);
    }

    private GenerationOptions Options(GenerationOptions? options)
    {
        GenerationOptions own = (options ?? _settings.Generation).Clone();
        own.Seed ??= MLNetInternals.Settings(_host).Seed;
        return own;
    }

    private ResponseStream Begin(GenerationRequest request, GenerationOptions options, bool streamed, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var stream = new ResponseStream(_model, request, options, _surroundings, streamed, cancellation);
        _thread.Add(stream);
        return stream;
    }

    private async IAsyncEnumerable<ResponseUpdate> Pieces(GenerationRequest request, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ResponseStream stream = Begin(request, options, streamed: true, cancellationToken);
        try
        {
            // Not cancelled itself: the last piece says what was made.
            await foreach (ResponseUpdate update in stream.Updates.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return update;
        }
        finally
        {
            stream.Cancel();
        }
    }

    private void Log(string message)
    {
        using IChannel channel = _host.Start("Respond");
        channel.Info(MessageSensitivity.None, message);
    }
}
