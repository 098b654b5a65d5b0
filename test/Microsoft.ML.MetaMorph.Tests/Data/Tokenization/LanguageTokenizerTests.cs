using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class LanguageTokenizerTests
{
    private static readonly string[] Corpus = ["the red circle stands left of the blue square", "What is the colour of the small triangle?", "Draw a large green star at the top.", "naïve café 日本語 😀"];

    [TestMethod]
    public void MergesMayBeTextsOrPairs()
    {
        JsonObject root = TokenizerFolder.Small();
        using var texts = new TokenizerFolder(root.ToJsonString());
        root["model"]!["merges"] = new JsonArray(new JsonArray("a", "b"));
        using var pairs = new TokenizerFolder(root.ToJsonString());
        CollectionAssert.AreEqual(new[] { 2, 0 }, LanguageTokenizer.Load(texts.Path).Encode("aba"));
        CollectionAssert.AreEqual(new[] { 2, 0 }, LanguageTokenizer.Load(pairs.Path).Encode("aba"));
    }

    [TestMethod]
    public void AFileLoadsAsItsFolderDoes()
    {
        using var folder = new TokenizerFolder(TokenizerFolder.Small().ToJsonString(), """{ "eos_token": { "content": "<x>" } }""");
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(Path.Combine(folder.Path, "tokenizer.json"));
        Assert.AreEqual(3, tokenizer.EndOfSequenceId);
        Assert.IsNull(tokenizer.BeginningOfSequenceId);
        Assert.IsNull(tokenizer.PaddingId);
        Assert.AreEqual(4, tokenizer.VocabularySize);
        Assert.AreEqual("ab", tokenizer.TokenText(2));
    }

    [TestMethod]
    public void TheInheritedMethodsGiveIdsAndPlaces()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(Corpus);
        Tokenizer inherited = tokenizer;
        foreach (string text in Corpus)
        {
            IReadOnlyList<EncodedToken> tokens = inherited.EncodeToTokens(text, out string? normalized);
            CollectionAssert.AreEqual(tokenizer.Encode(text, addSpecialTokens: false), tokens.Select(t => t.Id).ToArray());
            Assert.AreEqual(text, normalized);
            Assert.AreEqual(0, tokens[0].Offset.Start.Value);
            Assert.AreEqual(text.Length, tokens[^1].Offset.End.Value);
            for (int i = 1; i < tokens.Count; i++) Assert.IsTrue(tokens[i].Offset.Start.Value <= tokens[i - 1].Offset.End.Value, $"a gap in '{text}'");
            Assert.AreEqual(text, inherited.Decode(tokens.Select(t => t.Id)));
        }
    }

    [TestMethod]
    public void DecodingIntoABufferStopsWhereItIsFull()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(Corpus);
        int[] ids = tokenizer.Encode(Corpus[0], addSpecialTokens: false);
        var small = new char[5];
        Assert.AreEqual(System.Buffers.OperationStatus.DestinationTooSmall, tokenizer.Decode(ids, small, out int consumed, out int written));
        Assert.AreEqual(tokenizer.Decode(ids.Take(consumed).ToArray()), new string(small, 0, written));
        var large = new char[Corpus[0].Length];
        Assert.AreEqual(System.Buffers.OperationStatus.Done, tokenizer.Decode(ids, large, out consumed, out written));
        Assert.AreEqual(Corpus[0], new string(large, 0, written));
        Assert.AreEqual(ids.Length, consumed);
    }

    [TestMethod]
    public void AddedTokensTakeTheNextIds()
    {
        using var folder = new TokenizerFolder(TokenizerFolder.Small().ToJsonString());
        LanguageTokenizer before = LanguageTokenizer.Load(folder.Path), after = before.WithSpecialTokens("<image_start>", "<image_end>", "<x>");
        Assert.IsNull(before.TokenId("<image_start>"));
        Assert.AreEqual(4, after.TokenId("<image_start>"));
        Assert.AreEqual(5, after.TokenId("<image_end>"));
        Assert.AreEqual(3, after.TokenId("<x>"));
        CollectionAssert.AreEqual(new[] { 2, 4, 5, 0 }, after.Encode("ab<image_start><image_end>a"));
        after.Save(folder.Path);
        CollectionAssert.AreEqual(new[] { 2, 4, 5, 0 }, LanguageTokenizer.Load(folder.Path).Encode("ab<image_start><image_end>a"));
        Assert.AreSame(after, after.WithSpecialTokens("<image_end>"));
    }

    [TestMethod]
    public void TokensThatOnlyTheConfigurationNamesAreAdded()
    {
        using var folder = new TokenizerFolder(TokenizerFolder.Small().ToJsonString(), """{ "added_tokens_decoder": { "7": { "content": "<y>", "special": true } }, "bos_token": "ab" }""");
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(folder.Path);
        CollectionAssert.AreEqual(new[] { 2, 7, 0 }, tokenizer.Encode("ab<y>a"));
        Assert.AreEqual("a", tokenizer.Decode([2, 7, 0], skipSpecialTokens: true));
    }

    [TestMethod]
    public void IdsWithoutATokenGiveNothingAndPlaceholdersAreRefused()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(Corpus);
        Assert.AreEqual("", tokenizer.Decode([1_000_000]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.Decode([-200]));
        Assert.ThrowsExactly<ArgumentNullException>(() => tokenizer.Encode(null!));
    }

    [TestMethod]
    public void OneTokenizerServesManyThreads()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(Corpus);
        int[][] expected = [.. Corpus.Select(t => tokenizer.Encode(t))];
        LanguageTokenizer shared = LanguageTokenizer.Load(tokenizer.Files);
        Parallel.For(0, 400, i => CollectionAssert.AreEqual(expected[i % Corpus.Length], shared.Encode(Corpus[i % Corpus.Length])));
    }
}
