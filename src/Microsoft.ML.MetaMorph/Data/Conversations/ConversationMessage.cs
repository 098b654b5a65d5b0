namespace Microsoft.ML.MetaMorph;

/// <summary>One message of a conversation; <c>&lt;image&gt;</c> in the text marks where an image stands.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>user</c> or <c>assistant</c>, or whatever else the model's chat template knows.</param>
/// <param name="Text">What is said.</param>
public sealed record ConversationMessage(string Role, string Text)
{
    internal const string SystemRole = "system", UserRole = "user", AssistantRole = "assistant";

    /// <summary>Who speaks: <c>system</c>, <c>user</c> or <c>assistant</c>, or whatever else the model's chat template knows.</summary>
    public string Role { get; init; } = Role ?? throw new ArgumentNullException(nameof(Role));

    /// <summary>What is said; <c>&lt;image&gt;</c> marks where an image stands.</summary>
    public string Text { get; init; } = Text ?? throw new ArgumentNullException(nameof(Text));

    /// <summary>
    /// <c>[k, N, D]</c>: the visual tokens of the k images of this message in the order of their marks, as an image encoder gives them
    /// (<c>EncodeImages</c>); empty for none. The values are not copied: leave them as they are while the message is in use.
    /// </summary>
    public ReadOnlyMemory<float> VisualTokens { get; init; }

    /// <summary>Whether the assistant speaks.</summary>
    internal bool IsResponse => Role == AssistantRole;

    /// <summary>What the assistant is told before the conversation.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The message.</returns>
    public static ConversationMessage System(string text) => new(SystemRole, text);

    /// <summary>What a person says and shows.</summary>
    /// <param name="text">The text; <c>&lt;image&gt;</c> marks where an image stands.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c> for the k marks; empty for none.</param>
    /// <returns>The message.</returns>
    public static ConversationMessage User(string text, ReadOnlyMemory<float> visualTokens = default) => new(UserRole, text) { VisualTokens = visualTokens };

    /// <summary>What the assistant said and drew earlier in the conversation; a response gives it as <see cref="GeneratedResponse.ToMessage"/>.</summary>
    /// <param name="text">The text; <c>&lt;image&gt;</c> marks where an image stands.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c> for the k marks; empty for none.</param>
    /// <returns>The message.</returns>
    public static ConversationMessage Assistant(string text, ReadOnlyMemory<float> visualTokens = default) => new(AssistantRole, text) { VisualTokens = visualTokens };
}
