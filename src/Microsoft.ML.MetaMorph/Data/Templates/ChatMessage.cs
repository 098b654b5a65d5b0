namespace Microsoft.ML.MetaMorph;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">What is said; <c>&lt;image&gt;</c> marks where an image stands.</param>
internal sealed record ChatMessage(string Role, string Content);
