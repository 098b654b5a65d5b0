using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Validation rows that are not there are told before a training; those with nothing to evaluate cost the figure, not the model.</summary>
[TestClass]
public sealed class EmptyValidationTests
{
    private const string NoRows = "There are no validation rows. Give at least one, or fit without validation rows. (Parameter 'validationData')";

    private readonly MLContext _ml = new(seed: 1);

    private readonly List<string> _log = [];

    public EmptyValidationTests()
    {
        _ml.Log += (_, entry) => _log.Add(entry.RawMessage);
    }

    private AutoencoderTrainer Autoencoder => _ml.MetaMorph().Trainers.Autoencoder(
        architecture: new AutoencoderArchitecture { ImageSize = 16, Channels = [8, 16], LatentChannels = 3 },
        training: new AutoencoderTrainingOptions { MaximumSteps = 2, BatchSize = 2, ScalingPictures = 2, Precision = Precision.Float32 });

    [TestMethod]
    public void NoRowsAreToldBeforeAnyStep()
    {
        var stepped = new Receiver();
        IDataView captions = TinyModels.Captions(_ml, 4), pictures = Rows(4), words = EncodedRow.Rows(_ml, 4);
        int before = _log.Count;
        var encoder = new LanguageImagePretrainingTrainer.Options { Training = TinyModels.Encoder, Progress = stepped };
        VisualPredictiveInstructionTuningTrainer.Options tuning = TinyModels.TrainerOptions();
        tuning.Progress = stepped;
        VisualizerTrainer.Options drawing = Visualizer();
        drawing.Progress = stepped;
        Assert.AreEqual(NoRows, Refused(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(encoder).Fit(captions, None(captions))));
        Assert.AreEqual(NoRows, Refused(() => Autoencoder.Fit(pictures, None(pictures))));
        Assert.AreEqual(NoRows, Refused(() => _ml.MetaMorph().Trainers.Visualizer(drawing).Fit(pictures, None(pictures))));
        Assert.AreEqual(NoRows, Refused(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(tuning).Fit(words, None(words))));
        Assert.IsEmpty(stepped.All);
        Assert.IsFalse(_log[before..].Any(line => line.Contains("after", StringComparison.Ordinal)), string.Join(Environment.NewLine, _log));
    }

    [TestMethod]
    public void RowsWithoutPicturesCostTheFigure()
    {
        const string Warning = "Validation: no validation row has a picture (column 'Image'), so there is no validation figure.";
        IDataView none = _ml.Data.LoadFromEnumerable([new Row(), new Row()]);
        using AutoencodeImagesTransformer autoencoder = Autoencoder.Fit(Rows(4), none);
        CollectionAssert.AreEqual(new[] { Warning }, Validations());

        // Now and then, and at the end.
        using var folder = new ScratchFolder();
        var told = new Receiver();
        VisualizerTrainer.Options options = Visualizer();
        (options.ValidationInterval, options.ValidationFolder, options.Progress) = (2, folder.Path, told);
        using GenerateImagesTransformer visualizer = _ml.MetaMorph().Trainers.Visualizer(options).Fit(Rows(4), none);
        CollectionAssert.AreEqual(new[] { Warning, Warning, Warning }, Validations());
        CollectionAssert.AreEqual(new double?[] { null, null, null }, told.All.Select(status => status.ValidationLoss).ToArray());
        Assert.IsEmpty(Directory.GetFiles(folder.Path));
    }

    /// <summary>Rows that are passed over, and rows that are cut before their responses.</summary>
    [TestMethod]
    public void RowsWithNothingToLearnCostTheFigure()
    {
        const string Warning = "Validation: no validation row has anything to learn, so there is no validation figure.";
        IDataView rows = EncodedRow.Rows(_ml, 8);
        IDataView bad = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "<image>Which colour?", Response = "red" }]);
        IDataView cut = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = new string('x', 900), Response = "red" }]);
        foreach (IDataView validation in new[] { bad, cut })
        {
            _log.Clear();
            var told = new Receiver();
            VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
            (options.SkipBadRows, options.MaximumLength, options.Progress) = (true, 300, told);
            options.Training = options.Training with { ValidationInterval = 2 };
            using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(rows, validation);
            CollectionAssert.AreEqual(new[] { Warning }, Validations());
            CollectionAssert.AreEqual(new double?[] { null, null, null }, told.All.Select(status => status.ValidationLoss).ToArray());
        }
    }

    private static string Refused(Func<IDisposable> fit) => Assert.ThrowsExactly<ArgumentException>(() => fit().Dispose()).Message;

    private static VisualizerTrainer.Options Visualizer() => new()
    {
        VisualTokensColumnName = "Tokens",
        Architecture = new VisualizerArchitecture { ImageSize = 16, PixelsPerSample = 2, Channels = [16, 24], HeadCount = 2, ConditionWidth = 16, GridChannels = 8 },
        Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 3, BatchSize = 2, AveragingDecay = null, Precision = Precision.Float32 },
    };

    private IDataView None(IDataView rows) => _ml.Data.SkipRows(rows, 100);

    private string[] Validations() => [.. _log.Where(line => line.Contains("alidation", StringComparison.Ordinal))];

    private IDataView Rows(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Row { Image = TinyModels.Picture(i), Tokens = new float[16] }));

    private sealed class Receiver : IProgress<TrainingStatus>
    {
        public List<TrainingStatus> All { get; } = [];

        public void Report(TrainingStatus value) => All.Add(value);
    }

    private sealed class Row
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];
    }
}
