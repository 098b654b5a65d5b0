// What a person meets who has added the package and no native back end of TorchSharp.
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;

var ml = new MLContext(seed: 1);
IDataView rows = ml.Data.LoadFromEnumerable([new Row { Prompt = "a", Response = "b" }]);
Try("Fit", () => ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
{
    Architecture = new LanguageModelArchitecture { HiddenSize = 32, HeadCount = 2, KeyValueHeadCount = 1, LayerCount = 1 },
}).Fit(rows));
Try("Train", () => ml.MetaMorph().Trainers.LanguageImagePretraining(captionColumnName: "Prompt", imageColumnName: "Response").Fit(rows));
Try("Encode", () => ml.MetaMorph().EncodeImages("Tokens", "Prompt", ImageEncoder.Load(args[0])).Fit(rows));

static void Try(string name, Action action)
{
    try
    {
        action();
        Console.WriteLine($"{name}: no error");
    }
    catch (Exception failure)
    {
        Console.WriteLine($"{name}: {failure.GetType().FullName}: {failure.Message}");
    }
}

internal sealed class Row
{
    public string Prompt { get; set; } = "";

    public string Response { get; set; } = "";

    [VectorType(0, 4, 8)]
    public float[] VisualTokens { get; set; } = [];
}
