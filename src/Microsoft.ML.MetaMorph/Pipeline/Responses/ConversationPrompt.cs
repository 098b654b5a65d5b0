namespace Microsoft.ML.MetaMorph;

/// <summary>A conversation that a caller hands in as messages, each with its own images, as a prompt for the model.</summary>
internal static class ConversationPrompt
{
    private const string Name = "The conversation";

    /// <summary>Checks the messages and encodes them up to where the assistant is to speak.</summary>
    /// <param name="messages">The caller's messages.</param>
    /// <param name="model">Tells tokenizer, template and the size of an image.</param>
    /// <param name="systemMessage">Put before messages that have none of their own; null for none.</param>
    /// <exception cref="ArgumentException">A message cannot be read; it is named by its number. Or all of them take more positions than the model has.</exception>
    /// <exception cref="InvalidDataException">The chat template refuses the conversation.</exception>
    public static GenerationRequest Encode(IEnumerable<ConversationMessage> messages, ResponseModel model, string? systemMessage)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ConversationMessage[] all = [.. messages];
        if (all.Length == 0) throw new ArgumentException("There is no message; the last one is what is to be answered.", nameof(messages));
        for (int i = 0; i < all.Length; i++) Check(all[i], i, model.Config, nameof(messages));
        if (all[^1].IsResponse)
            throw new ArgumentException($"Message {all.Length - 1}, the last one, is the assistant's; it must be one that is to be answered.", nameof(messages));
        if (!string.IsNullOrEmpty(systemMessage) && !all.Any(message => message.Role == ConversationMessage.SystemRole))
            all = [ConversationMessage.System(systemMessage), .. all];

        int images = all.Sum(message => message.VisualTokens.Length) / model.PictureLength;
        var conversation = new Conversation(all, images, "", ConversationImageOrder.Marks) { Name = Name };
        var visualTokens = new float[images * model.PictureLength];
        int at = 0;
        foreach (ConversationMessage message in all)
        {
            message.VisualTokens.Span.CopyTo(visualTokens.AsSpan(at));
            at += message.VisualTokens.Length;
        }
        TokenSequence prompt = model.Text.Encoder.EncodePrompt(conversation);
        int tokens = model.Config.VisualTokenCount;
        if (PositionLimit.Problem(prompt.ExpandedLength(tokens), prompt.ImageCount, tokens, model.Config.Language.MaxPositions) is { } problem)
            throw new ArgumentException($"{Name} {problem}", nameof(messages));
        return new GenerationRequest(prompt.Ids, visualTokens);
    }

    private static void Check(ConversationMessage? message, int index, MetaMorphConfig config, string argument)
    {
        if (message is null) throw new ArgumentException($"Message {index} is null.", argument);
        string what = $"Message {index} ({message.Role})";
        int marks = ImageMarks.Count(message.Text), picture = config.VisualTokenCount * config.VisualTokenWidth;
        string size = $"an image has {config.VisualTokenCount} tokens × {config.VisualTokenWidth} = {picture} values";
        if (message.VisualTokens.Length % picture != 0)
            throw new ArgumentException($"{what}: {message.VisualTokens.Length} values of visual tokens are not a whole number of images; {size}. Encode the images with the encoder that the model was trained with.", argument);
        if (message.VisualTokens.Length != marks * picture)
            throw new ArgumentException($"{what}: the text holds {marks} {ImageMarks.Image} marks, but there are visual tokens of {message.VisualTokens.Length / picture} images ({size}). Give every mark its image, in their order.", argument);
        if (VisualTokenValues.Problem(message.VisualTokens.Span, config.VisualTokenCount, config.VisualTokenWidth) is { } problem) throw new ArgumentException($"{what}: {problem}", argument);
        try
        {
            ImageMarks.Wrap(message.Text);
        }
        catch (FormatException failure)
        {
            throw new ArgumentException($"{what}: {failure.Message}", argument, failure);
        }
    }
}
