using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Pictures and texts as vectors, for ordinary ML.NET.</summary>
public static class Embedding
{
    public static ITransformer Probe(MLContext ml, IDataView pictures, string siglip, string zip)
    {
        // <embedding-probe>
        using LanguageImageEncoder encoder = LanguageImageEncoder.Load(siglip);                          // both towers
        var pipeline = ml.Transforms.Conversion.MapValueToKey("Label", "Caption")
            .Append(ml.MetaMorph().EmbedImages("Vector", "Image", encoder)).AppendCacheCheckpoint(ml)   // each picture once
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy("Label", "Vector"))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var model = pipeline.Fit(pictures);
        ml.Model.Save(model, pictures.Schema, zip);                                                     // the encoder is in it
        // </embedding-probe>
        return model;
    }

    public static IEstimator<ITransformer> ZeroShot(MLContext ml, LanguageImageEncoder encoder)
    {
        // <embedding-zero-shot>
        var classifier = ml.MetaMorph().ClassifyZeroShot("PredictedLabel", "Image", encoder, ["red", "green", "blue"], ["a {0} square", "This is a photo of {0}."])
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));                          // Score and Probability beside it
        // </embedding-zero-shot>
        return classifier;
    }

    public static void GoOn(MLContext ml, IDataView pairs, string siglip, int steps, string checkpoints, string folder)
    {
        // <embedding-go-on>
        using EncodeImagesTransformer trained = ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            PretrainedFolder = siglip,
            Training = new LanguageImagePretrainingOptions { CaptionWeight = 0, ContrastiveWeight = 1, LearningRate = 1e-5, BatchSize = 4, MaximumSteps = steps },
            CheckpointFolder = checkpoints,
        }).Fit(pairs);
        using LanguageImageEncoder learned = trained.LanguageImageEncoder!;
        learned.Save(folder);                                                                           // the published layout
        // </embedding-go-on>
    }
}
