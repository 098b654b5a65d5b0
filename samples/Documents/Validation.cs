using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Rows that are not learned.</summary>
public static class Validation
{
    public static void Run(MLContext ml, IDataView rows, ImageEncoder encoder, VisualPredictiveInstructionTuningTrainer.Options options, string zip)
    {
        // <validation>
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(rows, testFraction: 0.1);
        EncodeImagesTransformer encoding = ml.MetaMorph().EncodeImages("VisualTokens", ["PromptImage", "ResponseImage"], encoder).Fit(rows);
        IDataView train = ml.Data.Cache(encoding.Transform(split.TrainSet));
        IDataView validation = ml.Data.Cache(encoding.Transform(split.TestSet));

        options.Training = options.Training with { ValidationInterval = 200 };
        MetaMorphTransformer model = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(train, validation);

        using var chain = encoding.Append(model);
        ml.Model.Save(chain, rows.Schema, zip);
        // </validation>
    }
}
