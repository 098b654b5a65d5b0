using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class TokenizerTrainingTests
{
    private static readonly string[] Corpus =
    [
        "<image_start><image_end> The large red circle is at the top left.", "Is there a blue square? Yes, there is a blue square at the bottom.",
        "Draw two small green triangles next to the yellow star!", "3 shapes, 12 colours, 1997.", "naïve café über 日本語 😀👩🏽‍🚒", "it's we'll THEY'RE", "tabs\tand\r\n\r\nlines  ",
    ];

    private static readonly LanguageTokenizer Trained = LanguageTokenizer.Train(Corpus, new BytePairTrainingOptions { VocabularySize = 400, MinimumFrequency = 1 });

    /// <summary>The plain definition: count all pairs anew, merge the most frequent, of equals the one with the lowest ids.</summary>
    private static List<(string Left, string Right)> SlowMerges(IEnumerable<string> words, int count, int minimum)
    {
        List<string> tokens = [.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b)).Order().Select(c => c.ToString())];
        List<List<int>> symbols = [.. words.Select(w => w.Select(c => tokens.IndexOf(c.ToString())).ToList())];
        var merges = new List<(string, string)>();
        while (merges.Count < count)
        {
            var best = symbols.SelectMany(s => s.Zip(s.Skip(1))).GroupBy(p => p).Where(g => g.Count() >= minimum).OrderByDescending(g => g.Count()).ThenBy(g => g.Key.First).ThenBy(g => g.Key.Second).FirstOrDefault();
            if (best is null) break;
            merges.Add((tokens[best.Key.First], tokens[best.Key.Second]));
            string merged = tokens[best.Key.First] + tokens[best.Key.Second];
            if (!tokens.Contains(merged)) tokens.Add(merged);
            int id = tokens.IndexOf(merged);
            foreach (List<int> word in symbols)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] != best.Key.First || word[i + 1] != best.Key.Second) continue;
                    word[i] = id;
                    word.RemoveAt(i + 1);
                }
            }
        }
        return merges;
    }

    [TestMethod]
    public void MergesAreThoseOfThePlainDefinition()
    {
        // no pair overlaps itself here: the plain count would take aaa for two pairs of which one merges
        string[] words = ["lower", "lower", "lowest", "newest", "newest", "newest", "wider", "widest", "low", "new", "the", "then", "there", "other"];
        var counted = words.GroupBy(w => w).Select(g => KeyValuePair.Create(g.Key, (long)g.Count()));
        (_, IReadOnlyList<(string, string)> merges) = BytePairTrainer.Train(counted, 256 + 20, 2);
        CollectionAssert.AreEqual(SlowMerges(words, 20, 2), merges.ToList());
    }

    [TestMethod]
    public void EveryTextComesBack()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<string>(text =>
        {
            string wellFormed = UnicodeCharacter.WellFormed(text ?? "");
            return Trained.Decode(Trained.Encode(wellFormed, addSpecialTokens: false)) == wellFormed;
        }));
    }

    [TestMethod]
    public void AStreamAddsUpToTheWhole()
    {
        Gen<int[]> ids = Gen.ArrayOf(Gen.Choose(0, Trained.HighestId + 2));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(ids.ToArbitrary(), row =>
        {
            IncrementalDecoder decoder = Trained.CreateIncrementalDecoder();
            List<string> parts = [.. row.Select(decoder.Append)];
            parts.Add(decoder.Complete());
            return string.Concat(parts) == Trained.Decode(row) && parts.All(p => p == UnicodeCharacter.WellFormed(p));
        }));
    }

    [TestMethod]
    public void TheOrderOfTheTextsChangesNothing()
    {
        LanguageTokenizer reversed = LanguageTokenizer.Train(Corpus.Reverse(), new BytePairTrainingOptions { VocabularySize = 400, MinimumFrequency = 1 });
        CollectionAssert.AreEqual(Trained.Files.Contents["tokenizer.json"], reversed.Files.Contents["tokenizer.json"]);
    }

    [TestMethod]
    public void SavedAndLoadedItIsTheSame()
    {
        using var folder = new TokenizerFolder();
        Trained.Save(folder.Path);
        LanguageTokenizer loaded = LanguageTokenizer.Load(folder.Path);
        foreach (string text in Corpus) CollectionAssert.AreEqual(Trained.Encode(text), loaded.Encode(text));
        Assert.AreEqual(loaded.TokenId("<|begin_of_text|>"), loaded.BeginningOfSequenceId);
        Assert.AreEqual(loaded.TokenId("<|eot_id|>"), loaded.EndOfSequenceId);
        Assert.AreEqual(loaded.BeginningOfSequenceId, loaded.Encode("x")[0]);
        string expected = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n";
        Assert.AreEqual(expected, ChatTemplate.Load(folder.Path).Render([new ConversationMessage("user", "Hi")], addGenerationPrompt: true));
    }

    [TestMethod]
    public void TheVocabularyIsAsLargeAsAskedAndSpecialTokensStandLast()
    {
        Assert.AreEqual(400, Trained.VocabularySize);
        Assert.AreEqual(399, Trained.TokenId("<image_end>"));
        Assert.AreEqual(393, Trained.TokenId("<|begin_of_text|>"));
        int[] ids = Trained.Encode("<image_start><image_end>", addSpecialTokens: false);
        CollectionAssert.AreEqual(new[] { 398, 399 }, ids);
    }

    [TestMethod]
    public void TooFewTextsGiveASmallerVocabulary()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train([null, "", "ab"], new BytePairTrainingOptions { VocabularySize = 5000 });
        Assert.AreEqual(263, tokenizer.VocabularySize);
        Assert.AreEqual("any text", tokenizer.Decode(tokenizer.Encode("any text", addSpecialTokens: false)));
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        Refused(new BytePairTrainingOptions { VocabularySize = 262 }, "262", "263");
        Refused(new BytePairTrainingOptions { MinimumFrequency = 0 }, "MinimumFrequency");
        Refused(new BytePairTrainingOptions { SpecialTokens = ["<a>", "<a>"] }, "<a>");
        Refused(new BytePairTrainingOptions { EndOfSequence = "<nope>" }, "<nope>", "EndOfSequence");

        static void Refused(BytePairTrainingOptions options, params string[] parts)
        {
            ArgumentException error = Assert.Throws<ArgumentException>(() => LanguageTokenizer.Train(Corpus, options));
            foreach (string part in parts) StringAssert.Contains(error.Message, part);
        }
    }
}
