using Documents;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>Pictures of one colour, an encoder and a model of a few thousand parameters, in a folder that goes with the object.</summary>
internal sealed class TinyWorld : IDisposable
{
    private static readonly (string Name, SKColor Colour)[] Colours = [("red", SKColors.Red), ("green", SKColors.Green), ("blue", SKColors.Blue), ("white", SKColors.White)];

    private readonly string _folder = Directory.CreateTempSubdirectory("metamorph-documents-").FullName;

    public TinyWorld()
    {
        Pictures = [.. Colours.Select(entry => Paint(entry.Name, entry.Colour))];
        using EncodeImagesTransformer encoding = Context.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            TokenizerTraining = Tokenizer,
            Training = new LanguageImagePretrainingOptions { ImageSize = 16, PatchSize = 4, Width = 8, LayerCount = 1, HeadCount = 2, VisualTokenCount = 4, CaptionLayerCount = 1, BatchSize = 4, MaximumSteps = 2, Precision = Precision.Float32 },
        }).Fit(Captions);
        Encoder = encoding.Encoder;
        Encoder.Save(EncoderFolder);
        using EncodeImagesTransformer transformer = Context.MetaMorph().EncodeImages("VisualTokens", ["PromptImage", "ResponseImage"], Encoder).Fit(Rows);
        Encoded = Context.Data.Cache(transformer.Transform(Rows));
        Model = Context.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Options()).Fit(Encoded);
        Model.SaveAsPretrained(ModelFolder);
    }

    public MLContext Context { get; } = new(seed: 1);

    public IReadOnlyList<string> Pictures { get; }

    public ImageEncoder Encoder { get; }

    public MetaMorphTransformer Model { get; }

    public string EncoderFolder => Path.Combine(_folder, "encoder");

    public string ModelFolder => Path.Combine(_folder, "model");

    public IDataView Captions => Context.Data.LoadFromEnumerable(Colours.Select((entry, i) => new CaptionedPicture { Image = Pictures[i], Caption = $"a {entry.Name} square" }));

    /// <summary>Rows that read a picture, draw one, do both, or neither.</summary>
    public IReadOnlyList<Question> Questions =>
    [
        new() { Prompt = "<image>Which colour?", Response = "red", PromptImage = Pictures[0] },
        new() { Prompt = "Draw a green square.", Response = "Here: <image>", ResponseImage = Pictures[1] },
        new() { Prompt = "<image>Make it blue.", Response = "<image>", PromptImage = Pictures[0], ResponseImage = Pictures[2] },
        new() { Prompt = "Say yes.", Response = "yes" },
    ];

    public IDataView Rows => Context.Data.LoadFromEnumerable(Questions);

    /// <summary>The rows with visual tokens.</summary>
    public IDataView Encoded { get; }

    private static BytePairTrainingOptions Tokenizer => new() { VocabularySize = 280 };

    public static VisualPredictiveInstructionTuningTrainer.Options Options() => new()
    {
        Architecture = new LanguageModelArchitecture { HiddenSize = 16, IntermediateSize = 32, LayerCount = 1, HeadCount = 2, KeyValueHeadCount = 1 },
        TokenizerTraining = Tokenizer,
        Training = new VisualPredictiveTrainingOptions { BatchSize = 2, MaximumSteps = 2, LearningRate = 1e-3, Precision = Precision.Float32 },
        Generation = new GenerationOptions { MaxNewTokens = 8 },
    };

    public string File(string name) => Path.Combine(_folder, name);

    public void Dispose()
    {
        Model.Dispose();
        Encoder.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Paint(string name, SKColor colour)
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(colour);
        string path = File(name + ".png");
        using FileStream file = System.IO.File.Create(path);
        bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
        return path;
    }
}
