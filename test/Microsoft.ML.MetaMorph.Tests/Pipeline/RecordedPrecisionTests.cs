using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>In which element type a model computes: told when it is opened, recorded when it is saved, decided anew on every machine.</summary>
[TestClass]
public sealed class RecordedPrecisionTests
{
    private readonly MLContext _ml = new(seed: 1);

    /// <summary>What Auto means on this machine for models as narrow as those of these tests.</summary>
    private static string Here
    {
        get
        {
            using var scope = NewDisposeScope();
            using var narrow = new Linear(new FreshParameters(CPU, new Generator(1)), 4, 4);
            return PrecisionProbe.Resolve(Precision.Auto, narrow, CPU).ToString();
        }
    }

    [TestMethod]
    [DataRow(Precision.Auto)]
    [DataRow(Precision.Float32)]
    public void AnEncodersZipRecordsBoth(Precision precision)
    {
        using var folder = new ScratchFolder();
        using EncodeImagesTransformer encoder = TrainEncoder(precision);
        AssertRecorded(Save(encoder, TinyModels.Captions(_ml, 1), folder), precision, trainedIn: precision == Precision.Auto ? Here : "Float32 (asked for)");
    }

    [TestMethod]
    [DataRow(Precision.Auto)]
    [DataRow(Precision.Float32)]
    public void AMetaMorphsZipRecordsBoth(Precision precision)
    {
        using var folder = new ScratchFolder();
        IDataView data = EncodedRow.Rows(_ml, 4);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data, options => options.Training = options.Training with { Precision = precision });
        AssertRecorded(Save(model, data, folder), precision, trainedIn: precision == Precision.Auto ? Here : "Float32 (asked for)");
    }

    [TestMethod]
    public void ModelsThatWeDidNotTrainRecordWhatTheyComputeIn()
    {
        using var folder = new ScratchFolder();
        IDataView data = EncodedRow.Rows(_ml, 4);
        using (MetaMorphTransformer trained = EncodedRow.Train(_ml, data)) trained.SaveAsPretrained(folder["model"]);
        using MetaMorphTransformer opened = _ml.MetaMorph().GenerateResponse(folder["model"]).Fit(data);
        AssertRecorded(Save(opened, data, folder), Precision.Auto, trainedIn: null);
        using (EncodeImagesTransformer trained = TrainEncoder(Precision.Float32))
        using (ImageEncoder encoder = trained.Encoder) encoder.Save(folder["encoder"]);
        using ImageEncoder stored = ImageEncoder.Load(folder["encoder"]);
        using EncodeImagesTransformer encoding = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", stored).Fit(TinyModels.Captions(_ml, 1));
        AssertRecorded(Save(encoding, TinyModels.Captions(_ml, 1), folder), Precision.Auto, trainedIn: null);
    }

    /// <summary>The record of another machine is kept as a record, and decides nothing.</summary>
    [TestMethod]
    public void AZipOfAnotherMachineIsDecidedAnewAndTold()
    {
        const string Elsewhere = "BFloat16 (measured on another machine)";
        using var folder = new ScratchFolder();
        using EncodeImagesTransformer encoder = TrainEncoder(Precision.Auto);
        IDataView captions = TinyModels.Captions(_ml, 1), encoded = EncodedRow.Rows(_ml, 4);
        Save(encoder, captions, folder);
        Rewrite(folder["model.zip"], Elsewhere);
        (ITransformer loaded, List<string> log) = Load(folder["model.zip"]);
        using var opened = (EncodeImagesTransformer)((TransformerChain<ITransformer>)loaded).Single();
        Assert.AreEqual(Here, opened.Model.Choice(CPU).ToString());
        CollectionAssert.Contains(log, $"Image encoder: linear layers are computed in {Here}.");
        JsonNode again = Save(opened, captions, folder);
        Assert.AreEqual((Elsewhere, Here), ((string)again["trained_in"]!, (string)again["computed_in"]!));

        using MetaMorphTransformer model = EncodedRow.Train(_ml, encoded, options => options.Training = options.Training with { Precision = Precision.Auto });
        Save(model, encoded, folder);
        Rewrite(folder["model.zip"], Elsewhere);
        (loaded, log) = Load(folder["model.zip"]);
        using var answering = (MetaMorphTransformer)((TransformerChain<ITransformer>)loaded).Single();
        Assert.AreEqual(Here, answering.Model.Choice.ToString());
        CollectionAssert.Contains(log, $"Language model: linear layers are computed in {Here}.");
        again = Save(answering, encoded, folder);
        Assert.AreEqual((Elsewhere, Here), ((string)again["trained_in"]!, (string)again["computed_in"]!));
    }

    [TestMethod]
    [DataRow(Precision.Auto)]
    [DataRow(Precision.Float32)]
    public void AVisualizerTellsAndRecordsBoth(Precision precision)
    {
        using var folder = new ScratchFolder();
        IDataView data = SaveVisualizer(_ml, precision, folder["model.zip"]);
        string expected = precision == Precision.Auto ? Here : "Float32 (asked for)";
        AssertRecorded(Settings(folder["model.zip"]), precision, trainedIn: expected);
        const string Elsewhere = "BFloat16 (measured on another machine)";
        Rewrite(folder["model.zip"], Elsewhere);
        (ITransformer loaded, List<string> log) = Load(folder["model.zip"]);
        CollectionAssert.Contains(log, $"Visualizer: linear layers are computed in {expected}.");
        using var opened = (GenerateImagesTransformer)((TransformerChain<ITransformer>)loaded).Single();
        JsonNode again = Save(opened, data, folder);
        Assert.AreEqual((Elsewhere, expected), ((string)again["trained_in"]!, (string)again["computed_in"]!));

        // opened from a folder
        using (Visualizer visualizer = opened.Visualizer) visualizer.Save(folder["visualizer"]);
        using Visualizer stored = Visualizer.Load(folder["visualizer"], new VisualizerOptions { Precision = precision });
        (MLContext ml, log) = Logged();
        using GenerateImagesTransformer drawing = ml.MetaMorph().GenerateImages("Picture", "Tokens", stored).Fit(data);
        CollectionAssert.Contains(log, $"Visualizer: linear layers are computed in {expected}.");
        AssertRecorded(Save(drawing, data, folder), precision, trainedIn: null);
    }

    [TestMethod]
    public void OpeningAFolderTellsTheChoice()
    {
        using var folder = new ScratchFolder();
        IDataView data = EncodedRow.Rows(_ml, 4);
        using (MetaMorphTransformer trained = EncodedRow.Train(_ml, data)) trained.SaveAsPretrained(folder["model"]);
        using (EncodeImagesTransformer trained = TrainEncoder(Precision.Float32))
        using (ImageEncoder encoder = trained.Encoder) encoder.Save(folder["encoder"]);
        (MLContext ml, List<string> log) = Logged();
        using MetaMorphTransformer opened = ml.MetaMorph().GenerateResponse(folder["model"]).Fit(data);
        CollectionAssert.Contains(log, $"Language model: linear layers are computed in {Here}.");
        using ImageEncoder stored = ImageEncoder.Load(folder["encoder"], new ImageEncoderOptions { Precision = Precision.Float32 });
        using EncodeImagesTransformer encoding = ml.MetaMorph().EncodeImages("VisualTokens", "Image", stored).Fit(TinyModels.Captions(ml, 1));
        CollectionAssert.Contains(log, "Image encoder: linear layers are computed in Float32 (asked for).");
    }

    /// <summary>Saves a visualizer that saw a step of training, and gives the rows that it learnt from.</summary>
    internal static IDataView SaveVisualizer(MLContext ml, Precision precision, string path)
    {
        IDataView data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(i => new DrawnRow { Image = TinyModels.Picture(i) }));
        using GenerateImagesTransformer visualizer = ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
        {
            VisualTokensColumnName = "Tokens",
            Architecture = new VisualizerArchitecture { ImageSize = 8, PixelsPerSample = 2, Channels = [16, 24], HeadCount = 2, ConditionWidth = 16, GridChannels = 8 },
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 1, BatchSize = 4, AveragingDecay = null, Precision = precision },
        }).Fit(data);
        ml.Model.Save(visualizer, data.Schema, path);
        return data;
    }

    private static (MLContext Context, List<string> Log) Logged()
    {
        var ml = new MLContext(seed: 1);
        var log = new List<string>();
        ml.Log += (_, entry) => log.Add(entry.RawMessage);
        return (ml, log);
    }

    private static (ITransformer Model, List<string> Log) Load(string path)
    {
        (MLContext ml, List<string> log) = Logged();
        ITransformer loaded = ml.Model.Load(path, out _);
        return (loaded is TransformerChain<ITransformer> ? loaded : new TransformerChain<ITransformer>(loaded), log);
    }

    private static void AssertRecorded(JsonNode settings, Precision precision, string? trainedIn)
    {
        Assert.AreEqual((int)precision, (int)settings["precision"]!);
        Assert.AreEqual(trainedIn, (string?)settings["trained_in"]);
        Assert.AreEqual(precision == Precision.Auto ? Here : "Float32 (asked for)", (string?)settings["computed_in"]);
        if (precision == Precision.Auto) StringAssert.Contains((string)settings["computed_in"]!, "(measured on cpu for layers of 64: float32 ");
    }

    /// <summary>Saves over what is there and gives the settings in the zip.</summary>
    private JsonNode Save(ITransformer transformer, IDataView data, ScratchFolder folder)
    {
        string path = folder["model.zip"];
        _ml.Model.Save(transformer, data.Schema, path);
        return Settings(path);
    }

    private static JsonNode Settings(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        using var reader = new StreamReader(archive.Entries.Single(entry => entry.Name == SettingsJson.FileName).Open(), Encoding.UTF8);
        return JsonNode.Parse(reader.ReadToEnd())!;
    }

    private static void Rewrite(string path, string record)
    {
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update);
        ZipArchiveEntry entry = archive.Entries.Single(entry => entry.Name == SettingsJson.FileName);
        string name = entry.FullName;
        JsonNode settings;
        using (Stream stream = entry.Open()) settings = JsonNode.Parse(stream)!;
        settings["trained_in"] = record;
        settings["computed_in"] = record;
        entry.Delete();
        using Stream target = archive.CreateEntry(name).Open();
        target.Write(Encoding.UTF8.GetBytes(settings.ToJsonString()));
    }

    private EncodeImagesTransformer TrainEncoder(Precision precision) => _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
    {
        Training = TinyModels.Encoder with { Precision = precision },
        TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
    }).Fit(TinyModels.Captions(_ml, 8));

    private sealed class DrawnRow
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = new float[16];
    }
}
