using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What does not fit into memory is refused with both numbers and with what to do, before anything is loaded or made.</summary>
[TestClass]
public sealed class NotEnoughMemoryTests
{
    private const string Loading = "Load it in a smaller element type (bfloat16), choose a smaller model, or free memory.";
    private const string Training = "Choose a smaller model or smaller sizes, or free memory.";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void APretrainedFolderToAnswerWith()
    {
        using var folder = new ScratchFolder();
        IDataView data = EncodedRow.Rows(_ml, 4);
        long bytes = SaveModel(data, folder.Path);
        AssertRefused(() => _ml.MetaMorph().GenerateResponse(folder.Path).Fit(data), $"'{folder["model.safetensors"]}': loading", bytes, Loading, "language model", "projector", "vision head");
    }

    [TestMethod]
    public void APretrainedEncoder()
    {
        using var folder = new ScratchFolder();
        long bytes = SaveEncoder(folder.Path);
        AssertRefused(() => ImageEncoder.Load(folder.Path), $"'{folder["model.safetensors"]}': loading", bytes, Loading, "vision encoder");
    }

    [TestMethod]
    public void AnEncoderInAZip()
    {
        using var folder = new ScratchFolder();
        using EncodeImagesTransformer encoder = TinyModels.TrainEncoder(_ml);
        AssertZipRefused(folder, encoder, TinyModels.Captions(_ml, 1), Bytes(encoder.Model.Parameters()), "vision encoder");
    }

    [TestMethod]
    public void AMetaMorphInAZip()
    {
        using var folder = new ScratchFolder();
        IDataView data = EncodedRow.Rows(_ml, 4);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        AssertZipRefused(folder, model, data, Bytes(model.Model.Parameters()), "language model");
    }

    [TestMethod]
    public void AModelThatStartsFromNothing()
    {
        IDataView data = EncodedRow.Rows(_ml, 4);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        long bytes = Bytes(model.Model.Parameters());
        AssertRefused(() => EncodedRow.Train(_ml, data), "A new model of these sizes (Architecture): training", 4 * bytes, Training, "language model", $"{Size(3 * bytes)} besides");
        AssertRefused(
            () => EncodedRow.Train(_ml, data, options => options.Training = options.Training with { AveragingDecay = 0.9 }),
            "A new model of these sizes (Architecture): training",
            5 * bytes,
            Training,
            $"{Size(4 * bytes)} besides");
    }

    [TestMethod]
    public void AModelThatGoesOn()
    {
        using var folder = new ScratchFolder();
        IDataView data = EncodedRow.Rows(_ml, 4);
        long bytes = SaveModel(data, folder.Path);
        using MetaMorphTransformer previous = EncodedRow.Train(_ml, data);
        VisualPredictiveInstructionTuningTrainer trainer = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions());
        AssertRefused(() => trainer.Fit(data, previous), "A copy of the previous model: training", 4 * bytes, Training, "projector");
        AssertRefused(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(folder.Path).Fit(data), $"'{folder["model.safetensors"]}': training", 4 * bytes, Training, "projector");
    }

    [TestMethod]
    public void AnEncoderThatIsTrained()
    {
        using var folder = new ScratchFolder();
        IDataView data = TinyModels.Captions(_ml, 8);
        SaveEncoder(folder.Path);
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["a red square", "a green square"], new BytePairTrainingOptions { VocabularySize = 280 });
        int end = tokenizer.EndOfSequenceId!.Value;
        LanguageImageModelConfig config = LanguageImageModelConfig.Create(TinyModels.Encoder, new CaptionTokens(tokenizer.HighestId + 1, end, tokenizer.PaddingId ?? end));
        using var model = new LanguageImageModel(config, new MetaParameters());
        long bytes = model.named_parameters().Sum(entry => entry.parameter.numel()) * 4;
        LanguageImagePretrainingTrainer Trainer(string? pretrained) => _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options { Training = TinyModels.Encoder, Tokenizer = tokenizer, PretrainedFolder = pretrained });
        using EncodeImagesTransformer previous = Trainer(null).Fit(data);
        AssertRefused(() => Trainer(null).Fit(data), "A new encoder of these sizes (Training): training", 4 * bytes, Training, "vision encoder", "captioning decoder");
        AssertRefused(() => Trainer(folder.Path).Fit(data), $"'{folder.Path}' with its teachers: training", 4 * bytes, Training, "captioning decoder");
        AssertRefused(() => Trainer(null).Fit(data, previous), "A copy of the previous encoder with its teachers: training", 4 * bytes, Training, "captioning decoder");
    }

    [TestMethod]
    public void AVisualizer()
    {
        using var folder = new ScratchFolder();
        IDataView data = new PictureTrainings(_ml).Shuffled();
        VisualizerTrainer Trainer(string? pretrained) => _ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
        {
            PretrainedFolder = pretrained,
            ImageColumnNames = ["Image", "Second"],
            VisualTokensColumnName = "Tokens",
            Architecture = new VisualizerArchitecture { ImageSize = PictureTrainings.Side, PixelsPerSample = 4, Channels = [16], ConditionWidth = 16, GridChannels = 8 },
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 1, BatchSize = 3, AveragingDecay = null, Precision = Precision.Float32 },
        });
        using GenerateImagesTransformer previous = Trainer(null).Fit(data);
        using (Visualizer visualizer = previous.Visualizer) visualizer.Save(folder["model"]);
        KeyValuePair<string, Tensor>[] weights = [.. previous.Model.Parameters()];
        (long bytes, long network) = (Bytes(weights), Bytes(weights.Where(entry => entry.Key.StartsWith("unet.", StringComparison.Ordinal))));
        string parts = $"(UNet {Size(network)}, adapter {Size(bytes - network)}", trained = $"{parts} and {Size(3 * bytes)} besides)";
        Assert.IsGreaterThan(bytes / 2, network);
        AssertRefused(() => Trainer(null).Fit(data), "The new visualizer: training", 4 * bytes, Training, trained);
        AssertRefused(() => Trainer(null).Fit(data, previous), "A copy of the previous visualizer: training", 4 * bytes, Training, trained);
        AssertRefused(() => Trainer(folder["model"]).Fit(data), $"'{folder["model"]}': training", 4 * bytes, Training, trained);
        AssertRefused(() => Visualizer.Load(folder["model"]), $"'{folder["model"]}': loading", bytes, Loading, parts + ")");
        AssertZipRefused(folder, previous, data, bytes, parts + ")");
    }

    [TestMethod]
    public void AnAutoencoder()
    {
        using var folder = new ScratchFolder();
        IDataView data = new PictureTrainings(_ml).Shuffled();
        AutoencoderTrainer Trainer(string? pretrained) => _ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options
        {
            PretrainedFolder = pretrained,
            Architecture = new AutoencoderArchitecture { ImageSize = PictureTrainings.Side, Channels = [8, 16], LatentChannels = 3 },
            Training = new AutoencoderTrainingOptions { MaximumSteps = 1, BatchSize = 3, ScalingPictures = 3, AveragingDecay = null, Precision = Precision.Float32 },
        });
        using AutoencodeImagesTransformer previous = Trainer(null).Fit(data);
        using (ImageAutoencoder autoencoder = previous.Autoencoder) autoencoder.Save(folder["model"]);
        long bytes = Bytes(previous.Model.Parameters());
        string parts = $"(autoencoder {Size(bytes)}", trained = $"{parts} and {Size(3 * bytes)} besides)";
        AssertRefused(() => Trainer(null).Fit(data), "The new autoencoder: training", 4 * bytes, Training, trained);
        AssertRefused(() => Trainer(null).Fit(data, previous), "A copy of the previous autoencoder: training", 4 * bytes, Training, trained);
        AssertRefused(() => Trainer(folder["model"]).Fit(data), $"'{folder["model/vae/diffusion_pytorch_model.safetensors"]}': training", 4 * bytes, Training, trained);
        AssertZipRefused(folder, previous, data, bytes, parts + ")");
    }

    /// <summary>One layer stands for all: what is counted is what a model that is built whole has.</summary>
    [TestMethod]
    public void LayersAreCountedAndNotBuilt()
    {
        LanguageModelArchitecture architecture = TinyModels.Architecture with { LayerCount = 3 };
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["a red square"], new BytePairTrainingOptions { VocabularySize = 280 });
        var config = new MetaMorphConfig { Language = architecture.ToConfig(tokenizer), VisualTokenCount = 4, VisualTokenWidth = 8, ImageStartId = 1, ImageEndId = 2 };
        using var whole = new MetaMorphModel(config, new MetaParameters());
        long bytes = whole.named_parameters().Sum(entry => entry.parameter.numel()) * 4;
        AssertRefused(() => Require(config), "Sizes: training", 4 * bytes, Training, "language model", $"{Size(3 * bytes)} besides");
        // More than can be built in the time of a test: each layer is dozens of objects.
        MetaMorphConfig tall = config with { Language = config.Language with { LayerCount = 1_000_000_000 } };
        Assert.ThrowsExactly<InsufficientMemoryException>(() => Require(tall));

        static object Require(MetaMorphConfig config)
        {
            new TrainingFootprint(config, new VisualPredictiveTrainingOptions(), ScalarType.Float32, [4], _ => ScalarType.Float32).Require("Sizes", Training);
            return config;
        }
    }

    /// <summary>Without any limit: sizes that no machine has.</summary>
    [TestMethod]
    public void AMachineIsNotAskedForHundredsOfTerabytes()
    {
        IDataView data = EncodedRow.Rows(_ml, 4);
        var giant = new LanguageModelArchitecture { HiddenSize = 131_072, HeadCount = 1024, KeyValueHeadCount = 1024, LayerCount = 80 };
        string message = Assert.ThrowsExactly<InsufficientMemoryException>(() => EncodedRow.Train(_ml, data, options => options.Architecture = giant)).Message;
        string number = message.Split("training takes ")[1].Split(" MB of memory")[0];
        Assert.IsGreaterThan(100e6, double.Parse(number, CultureInfo.InvariantCulture), "megabytes");
        StringAssert.Contains(message, " are available. " + Training);
    }

    [TestMethod]
    public void ALimitThatIsNoNumberIsNamed()
    {
        using var folder = new ScratchFolder();
        SaveEncoder(folder.Path);
        using var limit = new MemoryLimit("2 GB");
        string message = Assert.ThrowsExactly<InvalidOperationException>(() => ImageEncoder.Load(folder.Path)).Message;
        Assert.AreEqual("The environment variable METAMORPH_MEMORY_LIMIT is '2 GB'; it must be a whole number of bytes, or not set.", message);
    }

    private static long Bytes(IEnumerable<KeyValuePair<string, Tensor>> parameters) => parameters.Sum(entry => entry.Value.numel() * entry.Value.element_size());

    private static string Size(long bytes) => bytes >= 100_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes");

    private static InsufficientMemoryException AssertRefused(Action action, string beginning, long bytes, string advice, params string[] parts)
    {
        long tensors = LiveTensors.OfThisThread;
        using var limit = new MemoryLimit("1000");
        var failure = Assert.ThrowsExactly<InsufficientMemoryException>(action);
        StringAssert.StartsWith(failure.Message, beginning);
        StringAssert.Contains(failure.Message, $" takes {Size(bytes)} of memory (");
        StringAssert.EndsWith(failure.Message, $", but 1,000 bytes are available. {advice}");
        foreach (string part in parts) StringAssert.Contains(failure.Message, part);
        Assert.AreEqual(tensors, LiveTensors.OfThisThread, "tensors that were made all the same");
        return failure;
    }

    private void AssertZipRefused(ScratchFolder folder, ITransformer transformer, IDataView data, long bytes, string part)
    {
        string zip = folder["model.zip"], temporary = Directory.CreateDirectory(folder["temporary"]).FullName;
        _ml.Model.Save(transformer, data.Schema, zip);
        var ml = new MLContext { TempFilePath = temporary };
        InsufficientMemoryException failure = AssertRefused(() => ml.MetaMorph().LoadModel(zip, out _), $"'{zip}, ", bytes, Loading, part, "model.safetensors': loading takes");
        Assert.IsEmpty(Directory.GetFileSystemEntries(temporary), "a temporary file is left");
        using var limit = new MemoryLimit("1000");
        Exception wrapped = Assert.Throws<Exception>(() => ml.Model.Load(zip, out _));
        Assert.AreEqual(failure.Message, ModelZipErrors.Unwrap(wrapped).Message, "as ML.NET wraps it");
    }

    private long SaveModel(IDataView data, string folder)
    {
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        model.SaveAsPretrained(folder);
        return Bytes(model.Model.Parameters());
    }

    private long SaveEncoder(string folder)
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        encoder.Save(folder);
        return Bytes(trained.Model.Parameters());
    }
}
