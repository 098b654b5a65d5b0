namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Visual tokens that are no finite numbers are refused wherever rows or messages bring them.</summary>
[TestClass]
public sealed class VisualTokenValuesTests
{
    private const string Advice = "; visual tokens must be finite numbers. Encode the picture again; if that gives the same, the encoder's weights are broken.";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(float.NaN, 0, "picture 1, visual token 1, value 1 is NaN")]
    [DataRow(float.PositiveInfinity, 31, "picture 1, visual token 4, value 8 is Infinity")]
    [DataRow(float.NegativeInfinity, 32 + 8 + 2, "picture 2, visual token 2, value 3 is -Infinity")]
    public void ThePlaceIsNamed(float value, int at, string place)
    {
        float[] values = [.. Enumerable.Range(0, 64).Select(i => i % 2 == 0 ? float.MaxValue : -float.MaxValue)];
        Assert.IsNull(VisualTokenValues.Problem(values, 4, 8));
        Assert.IsNull(VisualTokenValues.Problem([], 4, 8));
        values[at] = value;
        Assert.AreEqual(place + Advice, VisualTokenValues.Problem(values, 4, 8));
    }

    [TestMethod]
    public void ARowIsNotAnsweredFromThem()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([Row("<image>?"), Row("<image>?", broken: 9), Row("Say yes.", broken: 9)]);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options => options.ErrorColumnName = "Error");
        string[] errors = [.. ColumnValues.Rows(model.Transform(data), ["Error"]).Select(row => (string)row[0]!)];
        // the picture of the last row has no mark: it is not looked at
        CollectionAssert.AreEqual(new[] { "", $"Row 1, column 'VisualTokens': picture 1, visual token 2, value 2 is NaN{Advice}", "" }, errors);
    }

    [TestMethod]
    public void ARowIsNotLearnedFromThem()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([Row("<image>?"), Row("<image>?"), Row("<image>?", broken: 31)]);
        string expected = $"Row 2, column 'VisualTokens': picture 1, visual token 4, value 8 is NaN{Advice}";
        Assert.AreEqual(expected, Assert.ThrowsExactly<InvalidDataException>(() => EncodedRow.Train(_ml, data)).Message);
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.RawMessage);
        EncodedRow.Train(_ml, data, options => options.SkipBadRows = true).Dispose();
        CollectionAssert.Contains(log, $"1 rows were passed over: {expected}");
    }

    [TestMethod]
    public void AMessageIsNotAnsweredFromThem()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        float[] tokens = EndlessModel.Pictures(2);
        tokens[EndlessModel.PictureLength + 3] = float.PositiveInfinity;
        string message = Assert.ThrowsExactly<ArgumentException>(() => { responder.RespondAsync("<image><image>", tokens); }).Message;
        Assert.AreEqual($"Message 0 (user): picture 2, visual token 1, value 4 is Infinity{Advice} (Parameter 'messages')", message);
    }

    private static EncodedRow Row(string prompt, int? broken = null)
    {
        float[] tokens = new float[EncodedRow.PictureLength];
        Array.Fill(tokens, 0.25f);
        if (broken is { } at) tokens[at] = float.NaN;
        return new EncodedRow { Prompt = prompt, Response = "yes", VisualTokens = tokens };
    }
}
