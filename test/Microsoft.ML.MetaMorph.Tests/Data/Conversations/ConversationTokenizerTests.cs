namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Conversations through every tokenizer of the reference cases, to the token.</summary>
[TestClass]
public sealed class ConversationTokenizerTests
{
    private static readonly string[] Answers = ["It is a dog.", " spaced \n", "\nnaïve 日本 😀", "<image>", "Look: <image> and <image>, twice", ""];

    private static readonly string[] Ends = ["<|eot_id|>", "<|im_end|>", "</s>"];

    public static IEnumerable<object[]> Tokenizers() => Names(tokenizer => Ends.Any(end => tokenizer.TokenId(end) is not null));

    public static IEnumerable<object[]> LlamaTokenizers() => Names(tokenizer => MetaMorphChatFormat.Tokens.All(token => tokenizer.TokenId(token) is not null));

    [TestMethod]
    [DynamicData(nameof(Tokenizers))]
    public void TheSupervisedTokensAreTheAnswersAndNoMore(string name)
    {
        LanguageTokenizer tokenizer = Load(name);
        string end = Ends.First(token => tokenizer.TokenId(token) is not null);
        ChatRenderer render = (messages, add) => string.Concat(messages.Select(m => $"{m.Role}:\n{m.Text}{end}")) + (add ? "assistant:\n" : "");
        var encoder = new ConversationEncoder(tokenizer, render);
        string[] answers = [.. Answers.Where(answer => IsKnown(tokenizer, answer))];
        Assert.IsGreaterThan(1, answers.Length, name);
        foreach (string answer in answers)
        {
            int images = ImageMarks.Count(answer);
            TokenSequence row = encoder.Encode(Conversation.FromTurns(["What is <image>?", "More."], ["Fine.", answer], images + 1, "r"));
            Assert.AreEqual(images + 1, row.ImageCount);
            int[] learned = [.. row.Ids.Where((id, i) => row.Labels[i] != TokenSequence.Ignored && id != TokenSequence.ImagePlaceholder)];
            string expected = ("Fine." + end + ImageMarks.Wrap(answer) + end).Replace(ImageMarks.Image, "", StringComparison.Ordinal);
            // Some tokenizers fold case or accents, so the text is compared as they see it.
            Assert.AreEqual(Spaceless(tokenizer.Decode(tokenizer.Encode(expected, false))), Spaceless(tokenizer.Decode(learned)), $"{name}: {answer}");
            PromptIsAPrefix(encoder, row);
        }
    }

    [TestMethod]
    [DynamicData(nameof(LlamaTokenizers))]
    public void ARowWithoutPicturesIsTheRenderedTextTokenizedAtOnce(string name)
    {
        LanguageTokenizer tokenizer = Load(name);
        TokenSequence row = new ConversationEncoder(tokenizer, MetaMorphChatFormat.Render).Encode(Conversation.FromTurns(["Hi there"], ["Hello!"], 0, "r", "Be brief."));
        string text = MetaMorphChatFormat.Render([new("system", "Be brief."), new("user", "Hi there"), new("assistant", "Hello!")], false);
        CollectionAssert.AreEqual(tokenizer.Encode(text, addSpecialTokens: false), row.Ids);
        Assert.AreEqual(tokenizer.TokenId("<|begin_of_text|>"), row.Ids[0]);
        Assert.AreNotEqual(tokenizer.TokenId("<|begin_of_text|>"), row.Ids[1]);
    }

    private static void PromptIsAPrefix(ConversationEncoder encoder, TokenSequence row)
    {
        TokenSequence prompt = encoder.EncodePrompt(Conversation.FromTurns(["What is <image>?"], [], 1, "r"));
        CollectionAssert.AreEqual(prompt.Ids, row.Ids[..prompt.Ids.Length]);
        Assert.AreEqual(TokenSequence.Ignored, row.Labels[prompt.Ids.Length - 1]);
        Assert.AreNotEqual(TokenSequence.Ignored, row.Labels[prompt.Ids.Length]);
    }

    /// <summary>Small vocabularies lack characters, and unknown ones run together across a border.</summary>
    private static bool IsKnown(LanguageTokenizer tokenizer, string text) =>
        Spaceless(tokenizer.Decode(tokenizer.Encode(ImageMarks.Wrap(text), false))).Equals(Spaceless(ImageMarks.Wrap(text)), StringComparison.OrdinalIgnoreCase);

    /// <summary>Some tokenizers write a space before a text or drop it after a special token; that is theirs to say.</summary>
    private static string Spaceless(string text) => text.Replace(" ", "", StringComparison.Ordinal);

    private static IEnumerable<object[]> Names(Func<LanguageTokenizer, bool> wanted) => ReferenceCase.Own("tokenizer")
        .Where(c => Load(c.Name) is var tokenizer && tokenizer.TokenId(ImageMarks.Start) is not null && wanted(tokenizer)).Select(c => new object[] { c.Name });

    private static LanguageTokenizer Load(string name) => LanguageTokenizer.Load(ReferenceCase.OwnCase(name).Folder);
}
