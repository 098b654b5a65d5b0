using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// Samples/version-1.zip was saved by version 0.1.0 (format 0x00010001): EncodeImages and a MetaMorph of a few thousand weights in one
/// chain. It must load for ever; it is never made anew.
/// </summary>
[TestClass]
public sealed class VersionOneZipTests
{
    private static readonly string[] Outputs = ["VisualTokens", "PredictedResponse", "ResponseVisualTokens"];

    private static string Samples => Path.Combine(ReferenceFolder.Repository, "test", "Microsoft.ML.MetaMorph.Tests", "Pipeline", "Samples");

    [TestMethod]
    public void LoadsAndGivesWhatItGave()
    {
        var ml = new MLContext(seed: 1);
        ITransformer model = ml.Model.Load(Path.Combine(Samples, "version-1.zip"), out _);
        using var owned = (IDisposable)model;
        List<object?[]> rows = ColumnValues.Rows(model.Transform(TinyModels.Rows(ml, 4)), Outputs);
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(Samples, "version-1.json")));
        List<object?[]> values = [.. expected.RootElement.EnumerateArray().Select(row => row.EnumerateArray().Select(Value).ToArray())];
        ColumnValues.AssertEqual(values, rows, 1e-4, "version 1");
    }

    private static object? Value(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : value.EnumerateArray().Select(v => v.GetSingle()).ToArray();
}
