using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A row whose pictures are visual tokens already: 4 a picture, each 8 wide.</summary>
internal sealed class EncodedRow
{
    /// <summary>The values of one picture's tokens.</summary>
    public const int PictureLength = 4 * 8;

    public string Prompt { get; set; } = "";

    public string Response { get; set; } = "";

    [VectorType(0, 4, 8)]
    public float[] VisualTokens { get; set; } = [];

    /// <summary>The rows of <see cref="TinyModels.Rows"/>, encoded and in memory.</summary>
    public static IDataView Rows(MLContext ml, int rows)
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(ml);
        using ImageEncoder encoder = trained.Encoder;
        using EncodeImagesTransformer transformer = ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder).Fit(TinyModels.Rows(ml, 1));
        return ml.Data.LoadFromEnumerable(ml.Data.CreateEnumerable<EncodedRow>(transformer.Transform(TinyModels.Rows(ml, rows)), reuseRowObject: false, ignoreMissingColumns: true).ToArray());
    }

    /// <summary>A model that saw a few steps of training on such rows.</summary>
    public static MetaMorphTransformer Train(MLContext ml, IDataView data, Action<VisualPredictiveInstructionTuningTrainer.Options>? change = null)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        change?.Invoke(options);
        return ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(data);
    }
}

/// <summary>What a model answers.</summary>
internal sealed class Answer
{
    public string? PredictedResponse { get; set; }

    public float[] ResponseVisualTokens { get; set; } = [];
}
