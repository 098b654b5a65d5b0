using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Pictures of prompts and of responses in columns of their own.</summary>
public static class OwnColumns
{
    public static MetaMorphTransformer Run(MLContext ml, IDataView rows, ImageEncoder encoder, VisualPredictiveInstructionTuningTrainer.Options options)
    {
        // <own-columns>
        options.VisualTokensColumnName = "PromptTokens";
        options.ResponseVisualTokensColumnName = "ResponseTokens";
        var pipeline = ml.MetaMorph().EncodeImages("PromptTokens", "PromptImage", encoder)
            .Append(ml.MetaMorph().EncodeImages("ResponseTokens", "ResponseImage", encoder))
            .AppendCacheCheckpoint(ml)
            .Append(ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options));
        // </own-columns>
        return pipeline.Fit(rows).LastTransformer;
    }
}
