namespace Microsoft.ML.MetaMorph;

/// <summary>One row: messages in turn and how many pictures come with them.</summary>
internal sealed class Conversation
{
    /// <param name="messages">At least one message.</param>
    /// <param name="imageCount">The pictures of the row; as many as there are <c>&lt;image&gt;</c> marks.</param>
    /// <param name="id">Names the row in messages.</param>
    /// <param name="imageOrder">How the pictures are ordered.</param>
    public Conversation(IReadOnlyList<ConversationMessage> messages, int imageCount, string id, ConversationImageOrder imageOrder = ConversationImageOrder.PromptsThenResponses)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(imageCount);
        if (messages.Count == 0) throw new ArgumentException($"Row {id}: a conversation needs at least one message.", nameof(messages));
        Messages = messages;
        ImageCount = imageCount;
        Id = id;
        Name = $"Row {id}";
        ImageOrder = imageOrder;
    }

    public IReadOnlyList<ConversationMessage> Messages { get; }

    public int ImageCount { get; }

    public string Id { get; }

    /// <summary>Begins the messages about it.</summary>
    public string Name { get; init; }

    public ConversationImageOrder ImageOrder { get; }

    /// <summary>Turns of prompt and response. There is one response a prompt, or one less: then the last prompt waits for its answer.</summary>
    public static Conversation FromTurns(IReadOnlyList<string> prompts, IReadOnlyList<string> responses, int imageCount, string id, string? system = null, ConversationImageOrder imageOrder = ConversationImageOrder.PromptsThenResponses)
    {
        if (responses.Count != prompts.Count && responses.Count != prompts.Count - 1)
            throw new ArgumentException($"Row {id}: {prompts.Count} prompts need {prompts.Count} responses (or {prompts.Count - 1}, if the last is to be answered), but there are {responses.Count}.", nameof(responses));
        var messages = new List<ConversationMessage>();
        if (!string.IsNullOrEmpty(system)) messages.Add(new ConversationMessage(ConversationMessage.SystemRole, system));
        for (int i = 0; i < prompts.Count; i++)
        {
            messages.Add(new ConversationMessage(ConversationMessage.UserRole, prompts[i]));
            if (i < responses.Count) messages.Add(new ConversationMessage(ConversationMessage.AssistantRole, responses[i]));
        }
        return new Conversation(messages, imageCount, id, imageOrder);
    }
}
