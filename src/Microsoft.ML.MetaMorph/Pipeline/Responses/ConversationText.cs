namespace Microsoft.ML.MetaMorph;

/// <summary>A tokenizer and its chat template: the encoding of conversations and the decoding of responses.</summary>
internal sealed class ConversationText
{
    // How messages call the template that an option gives instead of the tokenizer's.
    private const string GivenByOption = "The option ChatTemplate";

    private readonly ChatTemplate _template;

    /// <exception cref="InvalidDataException">The tokenizer has no chat template or one that is not well formed, or lacks the image tokens.</exception>
    public ConversationText(LanguageTokenizer tokenizer)
    {
        Tokenizer = tokenizer;
        _template = ReadTemplate(tokenizer);
        Encoder = new ConversationEncoder(tokenizer, (messages, addGenerationPrompt) => _template.Render(messages, addGenerationPrompt));
    }

    /// <summary>Refuses a template, given by the option, that says nothing; null stands for the tokenizer's.</summary>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public static void RequireTemplate(string? chatTemplate)
    {
        if (chatTemplate is not null && string.IsNullOrWhiteSpace(chatTemplate)) throw new ArgumentException("ChatTemplate is empty; give a Jinja template, or set it to null for the tokenizer's own.");
    }

    public LanguageTokenizer Tokenizer { get; }

    public ConversationEncoder Encoder { get; }

    /// <summary>The token that ends an answer: the last one that an answer teaches.</summary>
    /// <exception cref="InvalidDataException">The template cannot render a conversation of one turn; the file or the option that holds it is named.</exception>
    public int? EndOfAnswer
    {
        get
        {
            TokenSequence row = Try(new Conversation([new(ConversationMessage.UserRole, "a"), new(ConversationMessage.AssistantRole, "b")], 0, "") { Name = "A conversation of one turn" });
            int last = Array.FindLastIndex(row.Labels, label => label != TokenSequence.Ignored);
            return last >= 0 && Tokenizer.Decode([row.Labels[last]], skipSpecialTokens: true).Length == 0 ? row.Labels[last] : null;
        }
    }

    /// <summary>A tokenizer whose files carry another chat template; null leaves it as it is.</summary>
    public static LanguageTokenizer WithTemplate(LanguageTokenizer tokenizer, string? template)
        => template is null ? tokenizer : LanguageTokenizer.Load(tokenizer.Files.With(TokenizerFiles.ChatTemplate, System.Text.Encoding.UTF8.GetBytes(template), GivenByOption));

    /// <summary>A decoder of one response.</summary>
    public ITextStream NewStream() => new Stream(Tokenizer);

    /// <summary>Encodes a conversation that is nobody's, so that what fails is the template's fault.</summary>
    private TokenSequence Try(Conversation conversation)
    {
        try
        {
            return Encoder.Encode(conversation);
        }
        // What the template itself throws names it already.
        catch (InvalidDataException failure) when (failure.InnerException is not ChatTemplateException)
        {
            throw new InvalidDataException($"{_template.Location}: {failure.Message}", failure);
        }
    }

    private static ChatTemplate ReadTemplate(LanguageTokenizer tokenizer)
    {
        try
        {
            return tokenizer.ReadChatTemplate();
        }
        catch (ChatTemplateException failure)
        {
            throw new InvalidDataException(failure.Message, failure);
        }
    }

    private sealed class Stream(LanguageTokenizer tokenizer) : ITextStream
    {
        private IncrementalDecoder _decoder = tokenizer.CreateIncrementalDecoder(skipSpecialTokens: true);

        public string Append(int id) => _decoder.Append(id);

        public string Flush()
        {
            string rest = _decoder.Complete();
            _decoder = tokenizer.CreateIncrementalDecoder(skipSpecialTokens: true);
            return rest;
        }
    }
}
