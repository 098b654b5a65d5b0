namespace Microsoft.ML.MetaMorph;

/// <summary>One message of a conversation; <c>&lt;image&gt;</c> in the text marks where a picture stands.</summary>
/// <param name="Role"><see cref="System"/>, <see cref="User"/> or <see cref="Assistant"/>, or whatever else a chat template knows.</param>
/// <param name="Text">The text.</param>
internal sealed record ConversationMessage(string Role, string Text)
{
    public const string System = "system", User = "user", Assistant = "assistant";

    public bool IsResponse => Role == Assistant;
}
