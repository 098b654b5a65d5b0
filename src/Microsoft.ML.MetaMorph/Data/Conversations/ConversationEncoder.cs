namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Conversations → token ids, labels and image slots. What the assistant says is supervised: its text, its <c>&lt;image_start&gt;</c> and
/// <c>&lt;image_end&gt;</c>, and the mark that ends its turn; nothing else is. Thread-safe if the tokenizer and the template are.
/// </summary>
internal sealed class ConversationEncoder
{
    private readonly IConversationTokenizer _tokenizer;
    private readonly ChatRenderer _render;
    private readonly int[] _leading;

    /// <exception cref="InvalidDataException">The tokenizer lacks <c>&lt;image_start&gt;</c> or <c>&lt;image_end&gt;</c>.</exception>
    public ConversationEncoder(IConversationTokenizer tokenizer, ChatRenderer render)
    {
        _tokenizer = tokenizer;
        _render = render;
        ImageStartId = RequireToken(ImageMarks.Start);
        ImageEndId = RequireToken(ImageMarks.End);
        _leading = LeadingTokens(tokenizer);
    }

    /// <summary>The id of <c>&lt;image_start&gt;</c>.</summary>
    public int ImageStartId { get; }

    /// <summary>The id of <c>&lt;image_end&gt;</c>.</summary>
    public int ImageEndId { get; }

    /// <summary>A row to learn from, in full length. Without a response nothing in it is supervised (<see cref="TokenSequence.SupervisedTokens"/> tells).</summary>
    /// <exception cref="InvalidDataException">Marks and pictures differ in number, or the template cannot render the row.</exception>
    public TokenSequence Encode(Conversation conversation)
    {
        IReadOnlyList<ConversationMessage> messages = WrapMarks(conversation);
        (string text, IReadOnlyList<Range> responses) = NamingTheRow(conversation, () => ResponseSpans.Render(_render, messages, conversation.Name));
        return Tokenize(conversation, messages, text, responses);
    }

    /// <summary>A row to learn from, cut to <paramref name="maximumLength"/> positions.</summary>
    public TokenSequence Encode(Conversation conversation, int maximumLength, int tokensPerImage, out SequenceTruncation truncation) =>
        SequenceTruncation.Cut(Encode(conversation), maximumLength, tokensPerImage, out truncation);

    /// <summary>The conversation up to where the assistant is to speak; nothing is supervised.</summary>
    /// <exception cref="InvalidDataException">Marks and pictures differ in number, or the template cannot render the row.</exception>
    public TokenSequence EncodePrompt(Conversation conversation)
    {
        IReadOnlyList<ConversationMessage> messages = WrapMarks(conversation);
        return Tokenize(conversation, messages, NamingTheRow(conversation, () => _render(messages, true)), []);
    }

    private static T NamingTheRow<T>(Conversation conversation, Func<T> render)
    {
        try
        {
            return render();
        }
        catch (ChatTemplateException failure)
        {
            throw new InvalidDataException($"{conversation.Name}: {failure.Message}", failure);
        }
    }

    private static List<ConversationMessage> WrapMarks(Conversation conversation)
    {
        var messages = new List<ConversationMessage>(conversation.Messages.Count);
        for (int i = 0; i < conversation.Messages.Count; i++)
        {
            try
            {
                messages.Add(conversation.Messages[i] with { Text = ImageMarks.Wrap(conversation.Messages[i].Text) });
            }
            catch (FormatException failure)
            {
                throw new InvalidDataException($"{conversation.Name}, message {i} ({conversation.Messages[i].Role}): {failure.Message}", failure);
            }
        }
        int marks = messages.Sum(message => ImageMarks.Count(message.Text));
        if (marks != conversation.ImageCount)
            throw new InvalidDataException($"{conversation.Name}: the text holds {marks} {ImageMarks.Image} marks, but the row has {conversation.ImageCount} pictures. Give one picture a mark.");
        return messages;
    }

    private TokenSequence Tokenize(Conversation conversation, IReadOnlyList<ConversationMessage> messages, string text, IReadOnlyList<Range> responses)
    {
        RequireMarks(conversation, text);
        var ids = new List<int>();
        var labels = new List<int>();
        int at = 0;
        foreach (string chunk in ImageMarks.Split(text))
        {
            if (at > 0)
            {
                ids.Add(TokenSequence.ImagePlaceholder);
                labels.Add(TokenSequence.Ignored);
                at += ImageMarks.Image.Length;
            }
            AddChunk(chunk, at, responses, ids, labels);
            at += chunk.Length;
        }
        if (!StartsWithLeading(ids))
        {
            ids.InsertRange(0, _leading);
            labels.InsertRange(0, Enumerable.Repeat(TokenSequence.Ignored, _leading.Length));
        }
        return new TokenSequence([.. ids], [.. labels], ImageOrder(messages, conversation.ImageOrder));
    }

    /// <summary>Adds the tokens of a text between pictures, which starts at <paramref name="at"/>; those inside a response are their own labels.</summary>
    private void AddChunk(string chunk, int at, IReadOnlyList<Range> responses, List<int> ids, List<int> labels)
    {
        var parts = new List<string>();
        var supervised = new List<bool>();
        int done = 0;
        foreach (Range response in responses)
        {
            int start = Math.Clamp(response.Start.Value - at, done, chunk.Length), end = Math.Clamp(response.End.Value - at, start, chunk.Length);
            if (end == start) continue;
            Add(chunk[done..start], false);
            Add(chunk[start..end], true);
            done = end;
        }
        Add(chunk[done..], false);
        if (parts.Count == 0) return;
        int[][] tokens = LabelledText.Encode(_tokenizer, parts);
        for (int i = 0; i < tokens.Length; i++)
        {
            ids.AddRange(tokens[i]);
            labels.AddRange(supervised[i] ? tokens[i] : Enumerable.Repeat(TokenSequence.Ignored, tokens[i].Length));
        }

        void Add(string part, bool learn)
        {
            if (part.Length == 0) return;
            parts.Add(part);
            supervised.Add(learn);
        }
    }

    private static void RequireMarks(Conversation conversation, string text)
    {
        int marks = ImageMarks.Count(text), wrapped = text.Split(ImageMarks.Wrapped).Length - 1;
        if (marks != conversation.ImageCount || wrapped != marks)
            throw new InvalidDataException($"{conversation.Name}: the chat template makes {wrapped} wrapped {ImageMarks.Image} marks of the {conversation.ImageCount} in the messages ({marks} with bare ones). It drops or changes text; leave marks out of what it drops.");
    }

    /// <summary>For each mark from left to right the number of its picture among the row's.</summary>
    private static int[] ImageOrder(IReadOnlyList<ConversationMessage> messages, ConversationImageOrder order)
    {
        int prompts = messages.Where(message => !message.IsResponse).Sum(message => ImageMarks.Count(message.Text));
        int nextPrompt = 0, nextResponse = prompts;
        var images = new List<int>();
        foreach (ConversationMessage message in messages)
            for (int i = ImageMarks.Count(message.Text); i > 0; i--)
                images.Add(order == ConversationImageOrder.Marks ? images.Count : message.IsResponse ? nextResponse++ : nextPrompt++);
        return [.. images];
    }

    private bool StartsWithLeading(List<int> ids) => ids.Count >= _leading.Length && _leading.Select((id, i) => ids[i] == id).All(same => same);

    /// <summary>
    /// What the tokenizer itself puts before a text (the begin token). Templates that write it too must not double it, and templates that leave
    /// it out rely on the tokenizer. What it puts after a text is not wanted: the template ends the turns.
    /// </summary>
    private static int[] LeadingTokens(IConversationTokenizer tokenizer)
    {
        int[] bare = tokenizer.Encode("a", false), full = tokenizer.Encode("a", true);
        int at = full.AsSpan().IndexOf(bare);
        return at > 0 ? full[..at] : [];
    }

    private int RequireToken(string token)
    {
        if (_tokenizer.TokenId(token) is not { } id)
            throw new InvalidDataException($"The tokenizer has no token {token}. Add {ImageMarks.Start} and {ImageMarks.End} to its added tokens and two rows to the model's embeddings.");
        int[] encoded = _tokenizer.Encode(token, false);
        return encoded.Length == 1 && encoded[0] == id
            ? id
            : throw new InvalidDataException($"The tokenizer has a token {token} (id {id}), but encodes that text as [{string.Join(", ", encoded)}]. Make it an added token, which is never split.");
    }
}
