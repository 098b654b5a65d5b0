namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A tokenizer from a column of an <see cref="IDataView"/>.</summary>
[TestClass]
public sealed class TrainTokenizerTests
{
    private static readonly string?[] Texts = ["a red square and a red circle", null, "", "a blue square", "the square is red, the circle is blue 日本"];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AColumnGivesTheTokenizerOfItsTexts()
    {
        var options = new BytePairTrainingOptions { VocabularySize = 300 };
        LanguageTokenizer expected = LanguageTokenizer.Train(Texts, options);
        IDataView scalars = _ml.Data.LoadFromEnumerable(Texts.Select(text => new Scalar { Number = 1, Text = text }));
        IDataView vectors = _ml.Data.LoadFromEnumerable([new Vector { Text = [.. Texts.Take(2).OfType<string>()] }, new Vector { Text = [] }, new Vector { Text = [.. Texts.Skip(2).OfType<string>()] }]);
        foreach (IDataView data in (IDataView[])[scalars, vectors, _ml.Data.ShuffleRows(scalars, seed: 3)])
        {
            LanguageTokenizer trained = _ml.MetaMorph().TrainTokenizer(data, "Text", options);
            CollectionAssert.AreEqual(expected.Files.Contents["tokenizer.json"], trained.Files.Contents["tokenizer.json"]);
            CollectionAssert.AreEqual(expected.Files.Contents["tokenizer_config.json"], trained.Files.Contents["tokenizer_config.json"]);
        }
        Assert.AreEqual("a red square", expected.Decode(_ml.MetaMorph().TrainTokenizer(scalars, "Text", options).Encode("a red square", addSpecialTokens: false)));
    }

    [TestMethod]
    public void ColumnsThatHoldNoTextAreNamed()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new Scalar { Text = "a" }]);
        Assert.AreEqual("There is no column 'Words' (texts). The columns are: Number, Text.", Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().TrainTokenizer(data, "Words")).Message);
        Assert.AreEqual("The column 'Number' (texts) has the type Single; Text (one turn) or a vector of Text (several turns) is needed.", Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().TrainTokenizer(data, "Number")).Message);
        Assert.AreEqual("data", Assert.ThrowsExactly<ArgumentNullException>(() => _ml.MetaMorph().TrainTokenizer(null!, "Text")).ParamName);
        Assert.AreEqual("columnName", Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().TrainTokenizer(data, "")).ParamName);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MetaMorph().TrainTokenizer(data, "Text", new BytePairTrainingOptions { VocabularySize = 100 })).Message, "VocabularySize is 100, but 256 bytes and 7 special tokens need at least 263.");
    }

    private sealed class Scalar
    {
        public float Number { get; set; }

        public string? Text { get; set; }
    }

    private sealed class Vector
    {
        public string[] Text { get; set; } = [];
    }
}
