using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ConversationEncoderTests
{
    private static readonly ToyTokenizer Tokenizer = new(ToyTokenizer.MetaMorphSpecials, begin: "<|begin_of_text|>");

    [TestMethod]
    public void TheTrainingRowsOfThePublishedFormat()
    {
        TokenSequence row = Encoder().Encode(Row(1, ("system", "S"), ("user", "<image>Q"), ("assistant", "A")));
        Assert.AreEqual(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n<image_start>#<image_end>Q<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n[A<|eot_id|>]", Shown(row));
        Assert.AreEqual(2, row.SupervisedTokens);
        Assert.AreEqual(1, row.ImageCount);
    }

    [TestMethod]
    public void AResponseLearnsItsPicturesMarksAndEnd()
    {
        TokenSequence row = Encoder().Encode(Row(2, ("user", "Draw."), ("assistant", "See <image>, <image_start><image><image_end>")));
        StringAssert.EndsWith(Shown(row), "\n[See <image_start>]#[<image_end>, <image_start>]#[<image_end><|eot_id|>]");
        int start = Tokenizer.TokenId("<image_start>")!.Value;
        CollectionAssert.AreEqual((bool[])[true, true], Enumerable.Range(0, row.Ids.Length).Where(i => row.Ids[i] == TokenSequence.ImagePlaceholder).Select(i => row.IsImageTarget(i, start)).ToArray());
    }

    [TestMethod]
    public void APromptsPictureIsNoTarget()
    {
        TokenSequence row = Encoder().Encode(Row(1, ("user", "<image>"), ("assistant", "A")));
        int at = Array.IndexOf(row.Ids, TokenSequence.ImagePlaceholder);
        Assert.IsFalse(row.IsImageTarget(at, Tokenizer.TokenId("<image_start>")!.Value));
    }

    [TestMethod]
    public void TheBeginTokenStandsOnce()
    {
        int begin = Tokenizer.TokenId("<|begin_of_text|>")!.Value;
        ChatRenderer without = (messages, add) => MetaMorphChatFormat.Render(messages, add)["<|begin_of_text|>".Length..];
        foreach (ChatRenderer render in (ChatRenderer[])[MetaMorphChatFormat.Render, without])
            foreach (TokenSequence row in (TokenSequence[])[new ConversationEncoder(Tokenizer, render).Encode(Row(0, ("user", "Q"), ("assistant", "A"))), new ConversationEncoder(Tokenizer, render).EncodePrompt(Row(0, ("user", "Q")))])
            {
                Assert.AreEqual(0, Array.LastIndexOf(row.Ids, begin));
                Assert.AreEqual(TokenSequence.Ignored, row.Labels[0]);
            }
    }

    [TestMethod]
    public void APromptEndsWhereTheAssistantSpeaks()
    {
        TokenSequence prompt = Encoder().EncodePrompt(Row(1, ("user", "<image>Q")));
        StringAssert.EndsWith(Shown(prompt), "Q<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n");
        Assert.AreEqual(0, prompt.SupervisedTokens);
        TokenSequence row = Encoder().Encode(Row(1, ("user", "<image>Q"), ("assistant", "A")));
        CollectionAssert.AreEqual(prompt.Ids, row.Ids[..prompt.Ids.Length]);
    }

    [TestMethod]
    public void PicturesAreNumberedByColumnOrByMark()
    {
        (string, string)[] messages = [("user", "<image><image>"), ("assistant", "<image>"), ("user", "<image>"), ("assistant", "<image>")];
        CollectionAssert.AreEqual((int[])[0, 1, 3, 2, 4], Encoder().Encode(Row(5, messages)).ImageOrder);
        var byMark = new Conversation([.. messages.Select(m => new ConversationMessage(m.Item1, m.Item2))], 5, "r", ConversationImageOrder.Marks);
        CollectionAssert.AreEqual((int[])[0, 1, 2, 3, 4], Encoder().Encode(byMark).ImageOrder);
    }

    [TestMethod]
    public void MarksAndPicturesMustBeAsMany()
    {
        string message = Assert.ThrowsExactly<InvalidDataException>(() => Encoder().Encode(Row(1, ("user", "<image><image>"), ("assistant", "<image>")))).Message;
        StringAssert.Contains(message, "Row r");
        StringAssert.Contains(message, "3 <image> marks");
        StringAssert.Contains(message, "1 pictures");
        Assert.ThrowsExactly<InvalidDataException>(() => Encoder().EncodePrompt(Row(1, ("user", "none"))));
    }

    [TestMethod]
    [DataRow("<image_start>")]
    [DataRow("<image> <image_end>")]
    [DataRow("<image_start> <image> <image_end>")]
    [DataRow("<image_start><image_start><image>")]
    public void AStrayStartOrEndIsRefused(string text)
    {
        string message = Assert.ThrowsExactly<InvalidDataException>(() => Encoder().Encode(Row(ImageMarks.Count(text), ("user", "Q"), ("assistant", text)))).Message;
        StringAssert.StartsWith(message, "Row r, message 1 (assistant):");
    }

    [TestMethod]
    public void ATokenizerWithoutTheImageTokensIsRefused()
    {
        Assert.AreEqual("The tokenizer has no token <image_end>. Add <image_start> and <image_end> to its added tokens and two rows to the model's embeddings.", Assert.ThrowsExactly<InvalidDataException>(() => new ConversationEncoder(new ToyTokenizer(["<image_start>"]), MetaMorphChatFormat.Render)).Message);
    }

    [TestMethod]
    public void ARefusalOfTheTemplateNamesTheRow()
    {
        var encoder = new ConversationEncoder(Tokenizer, (_, _) => throw new ChatTemplateException("roles must alternate"));
        Assert.AreEqual("Row r: roles must alternate", Assert.ThrowsExactly<InvalidDataException>(() => encoder.Encode(Row(0, ("user", "Q")))).Message);
        Assert.AreEqual("Row r: roles must alternate", Assert.ThrowsExactly<InvalidDataException>(() => encoder.EncodePrompt(Row(0, ("user", "Q")))).Message);
    }

    [TestMethod]
    public void TurnsMustMatch()
    {
        Assert.HasCount(4, Conversation.FromTurns(["a", "b"], ["x"], 0, "r", "system").Messages);
        Assert.AreEqual("Row r9: 1 prompts need 1 responses (or 0, if the last is to be answered), but there are 2. (Parameter 'responses')", Assert.ThrowsExactly<ArgumentException>(() => Conversation.FromTurns(["a"], ["x", "y"], 0, "r9")).Message);
    }

    /// <summary>A token that crosses from the header into the response is divided, since a model that generates meets the header alone.</summary>
    [TestMethod]
    public void ATokenAcrossTheBorderIsDividedWhereTheTextStaysTheSame()
    {
        var merging = new ToyTokenizer(ToyTokenizer.MetaMorphSpecials, ["\n\n", "Hello"]);
        var encoder = new ConversationEncoder(merging, MetaMorphChatFormat.Render);
        Conversation row = Row(0, ("user", "Q"), ("assistant", "\nHello"));
        StringAssert.EndsWith(Shown(encoder.Encode(row), merging), "<|end_header_id|>\n[\nHello<|eot_id|>]");
        CollectionAssert.AreEqual(encoder.EncodePrompt(Row(0, ("user", "Q"))).Ids, encoder.Encode(row).Ids[..encoder.EncodePrompt(Row(0, ("user", "Q"))).Ids.Length]);
    }

    /// <summary>A tokenizer that would add a space to each part keeps the tokens of the whole; the crossing token counts as the response's.</summary>
    [TestMethod]
    public void ATokenAcrossTheBorderIsKeptWhereDividingWouldChangeTheText()
    {
        var merging = new ToyTokenizer(ToyTokenizer.MetaMorphSpecials, ["\n\n"], prefix: "_");
        var encoder = new ConversationEncoder(merging, MetaMorphChatFormat.Render);
        StringAssert.EndsWith(Shown(encoder.Encode(Row(0, ("user", "Q"), ("assistant", "\nHi"))), merging), "<|end_header_id|>_[\n\nHi<|eot_id|>]");
    }

    [TestMethod]
    public void TruncationKeepsPicturesWholeAndCountsWhatItCuts()
    {
        TokenSequence row = Encoder().Encode(Row(2, ("user", "<image>Q"), ("assistant", "See <image> end")));
        int second = Array.LastIndexOf(row.Ids, TokenSequence.ImagePlaceholder);
        const int tokens = 5;
        int before = new TokenSequence(row.Ids[..second], row.Labels[..second]).ExpandedLength(tokens);
        TokenSequence cut = SequenceTruncation.Cut(row, before + tokens - 1, tokens, out SequenceTruncation truncation);
        CollectionAssert.AreEqual(row.Ids[..second], cut.Ids);
        Assert.AreEqual(new SequenceTruncation(row.Ids.Length - second - 1, 1), truncation);
        Assert.AreSame(row, SequenceTruncation.Cut(row, row.ExpandedLength(tokens), tokens, out truncation));
        Assert.IsFalse(truncation.IsTruncated);
    }

    [TestMethod]
    public void TruncationKeepsTheLongestPrefixThatFits()
    {
        var cases = from texts in Gen.Choose(0, 6).ListOf(5) from limit in Gen.Choose(1, 60) from tokens in Gen.Choose(1, 9) select (texts, limit, tokens);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            string text = string.Concat(c.texts.Select(n => n > 3 ? "<image>" : new string('x', n)));
            TokenSequence row = Encoder().Encode(Row(ImageMarks.Count(text), ("user", "Q"), ("assistant", text)));
            TokenSequence cut = SequenceTruncation.Cut(row, c.limit, c.tokens, out SequenceTruncation truncation);
            Assert.IsLessThanOrEqualTo(c.limit, cut.ExpandedLength(c.tokens));
            CollectionAssert.AreEqual(row.Ids[..cut.Ids.Length], cut.Ids);
            CollectionAssert.AreEqual(row.Labels[..cut.Ids.Length], cut.Labels);
            CollectionAssert.AreEqual(row.ImageOrder[..cut.ImageCount], cut.ImageOrder);
            Assert.AreEqual(row.ImageCount - cut.ImageCount, truncation.Images);
            Assert.AreEqual(row.Ids.Length - cut.Ids.Length, truncation.Images + truncation.Tokens);
            int more = Math.Min(cut.Ids.Length + 1, row.Ids.Length);
            Assert.IsTrue(more == cut.Ids.Length || new TokenSequence(row.Ids[..more], row.Labels[..more]).ExpandedLength(c.tokens) > c.limit);
        }).QuickCheckThrowOnFailure();
    }

    private static ConversationEncoder Encoder() => new(Tokenizer, MetaMorphChatFormat.Render);

    private static Conversation Row(int images, params (string Role, string Text)[] messages) => new([.. messages.Select(m => new ConversationMessage(m.Role, m.Text))], images, "r");

    /// <summary>The text with pictures as # and what is supervised in brackets.</summary>
    private static string Shown(TokenSequence row, ToyTokenizer? tokenizer = null)
    {
        var text = new System.Text.StringBuilder();
        bool open = false;
        for (int i = 0; i < row.Ids.Length; i++)
        {
            bool learn = row.Labels[i] != TokenSequence.Ignored;
            if (learn != open) text.Append(learn ? '[' : ']');
            open = learn;
            if (learn) Assert.AreEqual(row.Ids[i], row.Labels[i]);
            text.Append(row.Ids[i] == TokenSequence.ImagePlaceholder ? "#" : (tokenizer ?? Tokenizer).Text(row.Ids[i]));
        }
        return text.Append(open ? "]" : "").ToString();
    }
}
