using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Models of a few thousand parameters and rows to go with them.</summary>
internal static class TinyModels
{
    /// <summary>Pictures of 16×16 pixels, 4 visual tokens of width 8.</summary>
    public static readonly LanguageImagePretrainingOptions Encoder = new()
    {
        ImageSize = 16,
        PatchSize = 4,
        Width = 8,
        LayerCount = 1,
        HeadCount = 2,
        VisualTokenCount = 4,
        CaptionLayerCount = 1,
        BatchSize = 4,
        MaximumSteps = 3,
        MaximumTextLength = 8,
        Precision = Precision.Float32,
    };

    public static readonly LanguageModelArchitecture Architecture = new() { HiddenSize = 16, IntermediateSize = 32, LayerCount = 1, HeadCount = 2, KeyValueHeadCount = 1 };

    private static readonly string[] Colours = ["red", "green", "blue", "white"];

    /// <summary>An encoder that saw a few steps of training.</summary>
    public static EncodeImagesTransformer TrainEncoder(MLContext ml, int rows = 12)
        => ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            Training = Encoder,
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        }).Fit(Captions(ml, rows));

    /// <summary>The same in a model zip of ML.NET.</summary>
    public static string SaveEncoder(MLContext ml, ScratchFolder folder)
    {
        using EncodeImagesTransformer encoder = TrainEncoder(ml);
        string path = folder["encoder.zip"];
        ml.Model.Save(encoder, Captions(ml, 1).Schema, path);
        return path;
    }

    public static VisualPredictiveInstructionTuningTrainer.Options TrainerOptions(int steps = 3) => new()
    {
        Architecture = Architecture,
        TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        Training = new VisualPredictiveTrainingOptions { BatchSize = 4, MaximumSteps = steps, LearningRate = 1e-3, Precision = Precision.Float32 },
        Generation = new GenerationOptions { MaxNewTokens = 12 },
        GenerationBatchSize = 3,
    };

    public static IDataView Captions(MLContext ml, int rows)
        => ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i => new CaptionRow { Image = Picture(i), Caption = $"a {Colours[i % 4]} square" }));

    /// <summary>Rows that read a picture, draw one, do both, or neither.</summary>
    public static IDataView Rows(MLContext ml, int rows) => ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(Row));

    public static PictureRow Row(int i) => (i % 4) switch
    {
        0 => new PictureRow { Prompt = "<image>Which colour?", Response = Colours[i % 4], Image = Picture(i) },
        1 => new PictureRow { Prompt = $"Draw a {Colours[i % 4]} square.", Response = "Here: <image>", Image2 = Picture(i) },
        2 => new PictureRow { Prompt = "<image>Make it green.", Response = "<image>", Image = Picture(i), Image2 = Picture(1) },
        _ => new PictureRow { Prompt = "Say yes.", Response = "yes" },
    };

    public static MLImage Picture(int i)
    {
        var pixels = new byte[16 * 16 * 4];
        for (int p = 0; p < pixels.Length; p += 4)
        {
            (pixels[p], pixels[p + 1], pixels[p + 2], pixels[p + 3]) = (i % 4) switch
            {
                0 => ((byte)0, (byte)0, (byte)255, (byte)255),
                1 => ((byte)0, (byte)255, (byte)0, (byte)255),
                2 => ((byte)255, (byte)0, (byte)0, (byte)255),
                _ => ((byte)255, (byte)(p / 4 % 256), (byte)255, (byte)255),
            };
        }

        return MLImage.CreateFromPixels(16, 16, MLPixelFormat.Bgra32, pixels);
    }

    internal sealed class CaptionRow
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        public string Caption { get; set; } = "";
    }

    internal sealed class PictureRow
    {
        public string Prompt { get; set; } = "";

        public string? Response { get; set; }

        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        [ImageType(16, 16)]
        public MLImage? Image2 { get; set; }
    }
}
