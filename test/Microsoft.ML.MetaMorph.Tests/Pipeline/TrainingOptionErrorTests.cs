namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>An option that is out of range is named as the user set it, with its value and its range, before anything is read.</summary>
[TestClass]
public sealed class TrainingOptionErrorTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static IEnumerable<(LanguageModelArchitecture Architecture, string Option, string Range, string Value)> Architectures()
    {
        var sound = new LanguageModelArchitecture();
        yield return (sound with { HiddenSize = 0 }, "HiddenSize", "from 1 to 1048576", "0");
        yield return (sound with { HiddenSize = 300_000_000 }, "HiddenSize", "from 1 to 1048576", "300000000");
        yield return (sound with { IntermediateSize = -1 }, "IntermediateSize", "from 1 to 4194304", "-1");
        yield return (sound with { IntermediateSize = int.MaxValue }, "IntermediateSize", "from 1 to 4194304", "2147483647");
        yield return (sound with { LayerCount = 0 }, "LayerCount", "from 1 to 10000", "0");
        yield return (sound with { LayerCount = int.MaxValue }, "LayerCount", "from 1 to 10000", "2147483647");
        yield return (sound with { HeadCount = 0 }, "HeadCount", "at least 1 and divide HiddenSize (192) into even widths", "0");
        yield return (sound with { HeadCount = 5 }, "HeadCount", "at least 1 and divide HiddenSize (192) into even widths", "5");
        yield return (sound with { HeadCount = 64 }, "HeadCount", "at least 1 and divide HiddenSize (192) into even widths", "64");
        yield return (sound with { KeyValueHeadCount = 4 }, "KeyValueHeadCount", "at least 1 and divide HeadCount (6)", "4");
        yield return (sound with { KeyValueHeadCount = 0 }, "KeyValueHeadCount", "at least 1 and divide HeadCount (6)", "0");
        yield return (sound with { MaximumPositions = 0 }, "MaximumPositions", "at least 2, one for a prompt and one for its answer", "0");
        yield return (sound with { RopeTheta = 0 }, "RopeTheta", "from 1 to 1e15", "0");
        yield return (sound with { RopeTheta = double.NaN }, "RopeTheta", "from 1 to 1e15", "NaN");
        yield return (sound with { InitializerRange = 0 }, "InitializerRange", "above 0", "0");
        yield return (sound with { InitializerRange = double.NaN }, "InitializerRange", "above 0", "NaN");
        yield return (sound with { Projector = "mlpsoftmax" }, "Projector", "one of linear, mlpNx_gelu (N = 1, 2, …), identity", "mlpsoftmax");
        yield return (sound with { VisionHead = "mlpmixer" }, "VisionHead", "one of linear, mlp, mlp2x_gelu", "mlpmixer");
    }

    [TestMethod]
    public void AnArchitectures()
    {
        new LanguageModelArchitecture().Validate();
        foreach ((LanguageModelArchitecture architecture, string option, string range, string value) in Architectures())
        {
            var options = new VisualPredictiveInstructionTuningTrainer.Options { Architecture = architecture };
            AssertRefused(option, range, value, () => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options));
        }
    }

    [TestMethod]
    public void AnIdentityProjectorNamesBothWidths()
    {
        LanguageModelArchitecture architecture = TinyModels.Architecture with { Projector = "identity" };
        Assert.AreEqual(
            "Projector is identity, which takes visual tokens as they are, but they are 8 wide and the language model is 16 wide. Choose linear or mlpNx_gelu, or a HiddenSize of 8.",
            Assert.ThrowsExactly<ArgumentException>(() => architecture.RequireProjector(hiddenSize: 16, tokenWidth: 8)).Message);
        architecture.RequireProjector(hiddenSize: 16, tokenWidth: 16);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.Architecture = architecture;
        options.VisualTokensColumnName = null;
        Assert.AreEqual(
            "Projector is identity, which takes visual tokens as they are, but they are 1152 wide and the language model is 16 wide. Choose linear or mlpNx_gelu, or a HiddenSize of 1152.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(_ml.Data.LoadFromEnumerable([new Words()]))).Message);
    }

    [TestMethod]
    public void AnEnumerations()
    {
        const string precisions = "one of Auto, Float32, BFloat16", ratios = "one of Square, Pad";
        string schedules = "one of " + string.Join(", ", Enum.GetNames<LearningRateScheduleKind>());
        MetaMorphCatalog catalog = _ml.MetaMorph();
        AssertRefused("Precision", precisions, "9", () => ImageEncoder.Load("nowhere", new ImageEncoderOptions { Precision = (Precision)9 }));
        AssertRefused("AspectRatio", ratios, "7", () => ImageEncoder.Load("nowhere", new ImageEncoderOptions { AspectRatio = (ImageAspectRatio)7 }));
        AssertRefused("Precision", precisions, "9", () => Visualizer.Load("nowhere", new VisualizerOptions { Precision = (Precision)9 }));
        AssertRefused("precision", precisions, "9", () => ImageAutoencoder.Load("nowhere", precision: (Precision)9));
        AssertRefused("Precision", precisions, "9", () => catalog.GenerateResponse(new GenerateResponseEstimator.Options { PretrainedFolder = "nowhere", Precision = (Precision)9 }));
        AssertRefused("AspectRatio", ratios, "7", () => catalog.Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options { AspectRatio = (ImageAspectRatio)7 }));
        AssertRefused("AspectRatio", ratios, "7", () => catalog.Trainers.Visualizer(new VisualizerTrainer.Options { AspectRatio = (ImageAspectRatio)7 }));
        AssertRefused("Stage", "one of ConnectorPretraining, InstructionTuning", "2", () => new VisualPredictiveTrainingOptions { Stage = (VisualPredictiveStage)2 }.Validate());
        AssertRefused("Schedule", schedules, "-1", () => new VisualPredictiveTrainingOptions { Schedule = (LearningRateScheduleKind)(-1) }.Validate());
        AssertRefused("Precision", precisions, "9", () => new VisualPredictiveTrainingOptions { Precision = (Precision)9 }.Validate());
        AssertRefused("Schedule", schedules, "99", () => new LanguageImagePretrainingOptions { Schedule = (LearningRateScheduleKind)99 }.Validate());
        AssertRefused("Precision", precisions, "9", () => new LanguageImagePretrainingOptions { Precision = (Precision)9 }.Validate());
        AssertRefused("Parts", "one of " + string.Join(", ", Enum.GetNames<VisualizerParts>()), "9", () => new VisualizerTrainingOptions { Parts = (VisualizerParts)9 }.Validate());
        AssertRefused("Warmup", "one of Linear, Logarithmic", "9", () => new VisualizerTrainingOptions { Warmup = (WarmupShape)9 }.Validate());
        AssertRefused("Schedule", schedules, "99", () => new VisualizerTrainingOptions { Schedule = (LearningRateScheduleKind)99 }.Validate());
        AssertRefused("Precision", precisions, "9", () => new VisualizerTrainingOptions { Precision = (Precision)9 }.Validate());
    }

    [TestMethod]
    public void AnEmptyNameOfTheVisualTokensIsNoColumn()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.VisualTokensColumnName = "";
        Assert.AreEqual(
            "VisualTokensColumnName is empty; name a column, or set it to null where no row has pictures.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options)).Message);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow(" \n")]
    public void AnEmptyChatTemplateIsNoTemplate(string template)
    {
        const string expected = "ChatTemplate is empty; give a Jinja template, or set it to null for the tokenizer's own.";
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.ChatTemplate = template;
        Assert.AreEqual(expected, Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options)).Message);
        Assert.AreEqual(expected, Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options { PretrainedFolder = "nowhere", ChatTemplate = template })).Message);
        Assert.AreEqual(
            "ChatTemplate is empty; give a Jinja template, or set it to null for none.",
            Assert.ThrowsExactly<ArgumentException>(() => LanguageTokenizer.Train(["a word"], new BytePairTrainingOptions { ChatTemplate = template })).Message);
    }

    /// <summary>A seed of the context below 0 is as good as any other, for every trainer, and gives the same weights each time.</summary>
    [TestMethod]
    public void ASeedBelowZeroIsASeed()
    {
        float[] Tokens(int seed)
        {
            var ml = new MLContext(seed);
            using EncodeImagesTransformer trained = TinyModels.TrainEncoder(ml);
            return (float[])ColumnValues.Rows(trained.Transform(TinyModels.Captions(ml, 1)), ["VisualTokens"])[0][0]!;
        }

        float[] first = Tokens(-5);
        CollectionAssert.AreEqual(first, Tokens(-5));
        CollectionAssert.AreNotEqual(first, Tokens(5));
        var ml = new MLContext(seed: -5);
        EncodedRow.Train(ml, EncodedRow.Rows(_ml, 4)).Dispose();
        IDataView pictures = TinyModels.Captions(ml, 4);
        ml.MetaMorph().Trainers.Autoencoder(
            architecture: new AutoencoderArchitecture { ImageSize = 16, Channels = [8, 16], LatentChannels = 3 },
            training: new AutoencoderTrainingOptions { MaximumSteps = 1, BatchSize = 2, ScalingPictures = 2, Precision = Precision.Float32 }).Fit(pictures).Dispose();
        using EncodeImagesTransformer encoding = TinyModels.TrainEncoder(ml);
        ml.MetaMorph().Trainers.Visualizer(
            architecture: new VisualizerArchitecture { ImageSize = 16, PixelsPerSample = 2, Channels = [16, 24], HeadCount = 2, ConditionWidth = 16, GridChannels = 8 },
            training: VisualizerTrainingOptions.FromNothing with { MaximumSteps = 1, BatchSize = 2, AveragingDecay = null, Precision = Precision.Float32 }).Fit(encoding.Transform(pictures)).Dispose();
    }

    private static void AssertRefused(string option, string range, string value, Action act)
        => Assert.AreEqual($"{option} must be {range}. (Parameter '{option}'){Environment.NewLine}Actual value was {value}.", Assert.ThrowsExactly<ArgumentOutOfRangeException>(act).Message);

    private sealed class Words
    {
        public string Prompt { get; set; } = "Say yes.";

        public string Response { get; set; } = "yes";
    }
}
