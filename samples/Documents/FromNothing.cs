using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>An encoder and a model without pretrained weights.</summary>
public static class FromNothing
{
    public static void Encoder(MLContext ml, IDataView captionedPictures, int steps, string folder)
    {
        // <encoder-from-nothing>
        var encoderTrainer = ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 400 },
            Training = new LanguageImagePretrainingOptions
            {
                ImageSize = 64,                 // pixels a side
                PatchSize = 8,                  // 8×8 patches,
                VisualTokenCount = 16,          // reduced to 4×4 visual tokens
                Width = 128,
                LayerCount = 4,
                MaximumSteps = steps,
            },
        });
        using EncodeImagesTransformer encoding = encoderTrainer.Fit(captionedPictures);
        using ImageEncoder encoder = encoding.Encoder;
        encoder.Save(folder);                   // ImageEncoder.Load opens it again
        // </encoder-from-nothing>
    }

    public static MetaMorphTransformer Model(MLContext ml, IDataView encodedRows, int steps)
    {
        // <model-from-nothing>
        var trainer = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
        {
            Architecture = new LanguageModelArchitecture { HiddenSize = 192, LayerCount = 6, HeadCount = 6, KeyValueHeadCount = 2 },
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 400 },
            Training = new VisualPredictiveTrainingOptions
            {
                BatchSize = 64,
                LearningRate = 1.5e-3,          // from nothing; the default is the paper's, for pretrained models
                Beta2 = 0.98,
                MaximumGradientNorm = 1,
                MaximumSteps = steps,
            },
        });
        MetaMorphTransformer model = trainer.Fit(encodedRows);
        // </model-from-nothing>
        return model;
    }
}
