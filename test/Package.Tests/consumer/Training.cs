using Microsoft.ML;
using Microsoft.ML.MetaMorph;

internal static class Training
{
    public static void Run(string file)
    {
        var ml = new MLContext(seed: 1);
        IDataView rows = ml.Data.LoadFromEnumerable(Question.Some());
        using EncodeImagesTransformer encoding = ml.MetaMorph().Trainers.LanguageImagePretraining(training: new LanguageImagePretrainingOptions
        {
            ImageSize = 16, PatchSize = 8, Width = 16, LayerCount = 1, HeadCount = 2, VisualTokenCount = 4, BatchSize = 4, MaximumSteps = 3,
        }).Fit(rows);
        var pipeline = ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoding.Encoder)
            .AppendCacheCheckpoint(ml)
            .Append(ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
            {
                Architecture = new LanguageModelArchitecture { HiddenSize = 32, HeadCount = 2, KeyValueHeadCount = 1, LayerCount = 1 },
                Training = new VisualPredictiveTrainingOptions { MaximumSteps = 3, BatchSize = 4 },
                Generation = new GenerationOptions { MaxNewTokens = 8 },
            }));
        ITransformer model = pipeline.Fit(rows);
        ml.Model.Save(model, rows.Schema, file);
        Console.WriteLine($"saved {new FileInfo(file).Length} bytes");
    }
}
