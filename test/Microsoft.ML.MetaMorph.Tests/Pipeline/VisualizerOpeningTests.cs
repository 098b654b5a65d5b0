using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What is said of a visualizer where it is opened or trained: sizes, stored precisions, tiles, schedulers. It stays so when it is saved.</summary>
[TestClass]
public sealed class VisualizerOpeningTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _folder = new();

    [TestCleanup]
    public void Cleanup() => _folder.Dispose();

    private static ImageGenerationOptions Quick => new() { Steps = 3, GuidanceScale = 1, Seed = 5 };

    private static VisualizerTrainingOptions OneStep => new() { MaximumSteps = 1, BatchSize = 2, LearningRate = 1e-9, AveragingDecay = null, Precision = Precision.Float32 };

    [TestMethod]
    [DataRow("[4, 6]", 16, 24)]
    [DataRow("[4, 4]", 16, 16)]
    [DataRow("6", 24, 24)]
    public void SamplesOfTwoSidesAreDrawnAndSavedAsTheyWere(string sampleSize, int height, int width)
    {
        Save(sampleSize);
        using Visualizer visualizer = Visualizer.Load(_folder["model"]);
        Assert.AreEqual((height, width), (visualizer.PictureHeight, visualizer.PictureWidth));
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick).Fit(Rows());
        AssertSize(transformer);

        visualizer.Save(_folder["again"]);
        Assert.AreEqual(JsonNode.Parse(sampleSize)!.ToJsonString(), JsonNode.Parse(File.ReadAllText(_folder["again/unet/config.json"]))!["sample_size"]!.ToJsonString());
        _ml.Model.Save(transformer, Rows().Schema, _folder["model.zip"]);
        using var loaded = (GenerateImagesTransformer)new MLContext().Model.Load(_folder["model.zip"], out _);
        AssertSize(loaded);
        using Visualizer inside = loaded.Visualizer;
        inside.Save(_folder["inside"]);
        Assert.AreEqual(File.ReadAllText(_folder["again/unet/config.json"]), File.ReadAllText(_folder["inside/unet/config.json"]));

        void AssertSize(GenerateImagesTransformer drawing)
        {
            IDataView view = drawing.Transform(Rows());
            var type = (ImageDataViewType)view.Schema["Picture"].Type;
            Assert.AreEqual((height, width), (type.Height, type.Width));
            using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Picture"]]);
            Assert.IsTrue(cursor.MoveNext());
            MLImage picture = null!;
            cursor.GetGetter<MLImage>(view.Schema["Picture"])(ref picture);
            using (picture) Assert.AreEqual((height, width), (picture.Height, picture.Width));
        }
    }

    [TestMethod]
    [DataRow("[4, 6, 8]", "sample_size has 3 numbers")]
    [DataRow("[4, 0]", "sample_size is 4 x 0; it must be above zero")]
    [DataRow("-1", "sample_size is -1; it must be above zero")]
    [DataRow("[4.5, 4]", "'sample_size' is [4.5,4]; it must be a list of whole numbers")]
    public void SizesThatCannotBeAreRefused(string sampleSize, string message)
    {
        Save(sampleSize);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Visualizer.Load(_folder["model"])).Message, message);
    }

    [TestMethod]
    public void WithoutASampleSizeTheAutoencodersCounts()
    {
        Save("null", autoencoder: "[16, 32]");
        using (Visualizer visualizer = Visualizer.Load(_folder["model"])) Assert.AreEqual((16, 32), (visualizer.PictureHeight, visualizer.PictureWidth));
        Save("null", autoencoder: "[]");
        Assert.AreEqual(
            "unet/config.json has no sample_size, and neither has vae/config.json, so the size of a picture is not known. Write it there: one number, or height and width.",
            Assert.ThrowsExactly<InvalidDataException>(() => Visualizer.Load(_folder["model"])).Message);
    }

    [TestMethod]
    public void TrainingIsForSquarePicturesOfAnySize()
    {
        Save("[4, 6]");
        Assert.AreEqual(
            "The visualizer was made for pictures of 24x16 pixels (sample_size of unet/config.json); training is for square ones. Set ImageSize with PretrainedFolder.",
            Assert.ThrowsExactly<InvalidDataException>(() => Trainer().Fit(Rows())).Message);
        Assert.AreEqual(
            "Height is 18 pixels; this visualizer needs a multiple of 4 (4 pixels along a side of a sample's pixel, times 1 for the network's halvings), such as 16 or 20.",
            Assert.ThrowsExactly<ArgumentException>(() => Trainer(options => options.ImageSize = 18).Fit(Rows())).Message);
        VisualizerTrainer trainer = Trainer(options => options.ImageSize = 20);
        using GenerateImagesTransformer trained = trainer.Fit(Rows());
        Assert.AreEqual("Image<20, 20>", trained.GetOutputSchema(Rows().Schema)["Picture"].Type.ToString());
        SchemaShape promised = trainer.GetOutputSchema(SchemaShapes.FromSchema(Rows().Schema));
        Assert.AreEqual("Image<20, 20>", promised.Single(column => column.Name == "Picture").ItemType.ToString());
        using Visualizer visualizer = trained.Visualizer;
        Assert.AreEqual((20, 20), (visualizer.PictureHeight, visualizer.PictureWidth));
        visualizer.Save(_folder["again"]);
        Assert.AreEqual("5", JsonNode.Parse(File.ReadAllText(_folder["again/unet/config.json"]))!["sample_size"]!.ToJsonString());
        Assert.AreEqual(
            "ImageSize is 20, but there is no PretrainedFolder that it belongs to; the size of a visualizer from nothing is VisualizerArchitecture.ImageSize. Give one, or leave ImageSize out.",
            Assert.ThrowsExactly<ArgumentException>(() => Trainer(options => (options.PretrainedFolder, options.ImageSize) = (null, 20))).Message);
        Assert.AreEqual("ImageSize is 0; at least 1 is needed. (Parameter 'ImageSize')\nActual value was 0.", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Trainer(options => options.ImageSize = 0)).Message.ReplaceLineEndings("\n"));
    }

    /// <summary>A second set of weights under the name of a variant: whoever names it gets it, and nobody else.</summary>
    [TestMethod]
    [DataRow("fp16")]
    [DataRow("ema")]
    public void AVariantIsOpenedByName(string variant)
    {
        Save("4", seed: 8, variant: variant);
        Save("4", seed: 7);
        using var scope = NewDisposeScope();
        using VisualizerModel plain = Model(7), other = Model(8);
        AssertWeights(plain, Options(null));
        AssertWeights(other, Options(variant));
        using (GenerateImagesTransformer trained = Trainer(options => options.Variant = variant).Fit(Rows())) AssertClose(other, trained.Model);
        using (GenerateImagesTransformer trained = Trainer().Fit(Rows())) AssertClose(plain, trained.Model);

        foreach ((VisualizerModel expected, string? name) in new[] { (plain, null), (other, variant) })
        {
            var options = new AutoencoderTrainer.Options { PretrainedFolder = _folder["model"], Variant = name, ImageSize = 16, Training = new AutoencoderTrainingOptions { MaximumSteps = 1, BatchSize = 2, LearningRate = 1e-9, AveragingDecay = null, Precision = Precision.Float32 } };
            using AutoencodeImagesTransformer autoencoder = _ml.MetaMorph().Trainers.Autoencoder(options).Fit(Rows());
            var found = autoencoder.Model.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value);
            foreach ((string key, var parameter) in expected.Autoencoder!.named_parameters()) TensorAssert.AreClose(parameter, found[key], 1e-6, key);
        }

        File.Delete(_folder["model/unet/diffusion_pytorch_model.safetensors"]);
        FileNotFoundException missing = Assert.Throws<FileNotFoundException>(() => Trainer().Fit(Rows()));
        foreach (string part in new[] { "unet", $"diffusion_pytorch_model.{variant}.safetensors" }) StringAssert.Contains(missing.Message, part);
        Assert.AreEqual(
            $"Variant is {variant}, but there is no PretrainedFolder that it belongs to. Give one, or leave Variant out.",
            Assert.ThrowsExactly<ArgumentException>(() => Trainer(options => (options.PretrainedFolder, options.Variant) = (null, variant))).Message);
        Assert.AreEqual(
            $"Variant is {variant}, but there is no PretrainedFolder that it belongs to. Give one, or leave Variant out.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options { Variant = variant })).Message);

        VisualizerOptions Options(string? name) => new() { Variant = name, Precision = Precision.Float32 };

        void AssertWeights(VisualizerModel expected, VisualizerOptions options)
        {
            using Visualizer visualizer = Visualizer.Load(_folder["model"], options);
            using Lease<DrawingModel> model = visualizer.Share();
            AssertClose(expected, model.Value);
        }
    }

    [TestMethod]
    public void TiledDecodingStaysWhateverBecomesOfTheVisualizer()
    {
        Save("4");
        using Visualizer visualizer = Visualizer.Load(_folder["model"], new VisualizerOptions { TiledDecoding = true });
        using GenerateImagesTransformer drawing = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick).Fit(Rows());
        using GenerateImagesTransformer loaded = Again(drawing), trained = Trainer().Fit(Rows(), loaded), again = Again(trained), more = Trainer().Fit(Rows(), again);
        foreach (GenerateImagesTransformer each in new[] { drawing, loaded, trained, again, more }) Assert.IsTrue(each.Model.Settings.TiledDecoding);
        using GenerateImagesTransformer whole = Trainer(options => options.TiledDecoding = false).Fit(Rows(), again), plain = Trainer().Fit(Rows()), tiled = Trainer(options => options.TiledDecoding = true).Fit(Rows());
        Assert.AreEqual((false, false, true), (whole.Model.Settings.TiledDecoding, plain.Model.Settings.TiledDecoding, tiled.Model.Settings.TiledDecoding));
        using GenerateImagesTransformer other = tiled.WithGeneration(Quick);
        Assert.IsTrue(other.Model.Settings.TiledDecoding);

        GenerateImagesTransformer Again(GenerateImagesTransformer transformer)
        {
            string zip = _folder[$"{Guid.NewGuid():N}.zip"];
            _ml.Model.Save(transformer, Rows().Schema, zip);
            return (GenerateImagesTransformer)new MLContext().Model.Load(zip, out _);
        }
    }

    /// <summary>As diffusers: what a scheduler does not have changes nothing; here it is told, until a scheduler is chosen that has it.</summary>
    [TestMethod]
    public void AFieldOfAnotherSchedulerIsToldAndChangesNothing()
    {
        const string Told = "The visualizer's scheduler_config.json sets 'use_karras_sigmas', which Pndm does not have: pictures are drawn without, as diffusers draws them. ImageGenerationOptions.Scheduler chooses one that has it.";
        Save("4");
        byte[] before = Draw(out List<string> log, null);
        Assert.IsFalse(log.Any(line => line.Contains("scheduler_config.json")));
        string path = _folder["model/scheduler/scheduler_config.json"];
        var scheduler = (JsonObject)JsonNode.Parse(File.ReadAllText(path))!;
        scheduler["use_karras_sigmas"] = true;
        File.WriteAllText(path, scheduler.ToJsonString());
        CollectionAssert.AreEqual(before, Draw(out log, null));
        Assert.AreEqual(1, log.Count(line => line == Told), string.Join('\n', log));
        byte[] euler = Draw(out log, DiffusionSchedulerKind.Euler);
        Assert.IsFalse(log.Any(line => line.Contains("scheduler_config.json")));
        CollectionAssert.AreNotEqual(euler, Draw(out _, DiffusionSchedulerKind.Euler, karras: false));
        scheduler["use_tau_sigmas"] = true;
        File.WriteAllText(path, scheduler.ToJsonString());
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Visualizer.Load(_folder["model"])).Message, "unknown field 'use_tau_sigmas', which may change the pictures");
    }

    /// <summary>num_tokens of the padded length says that there are no more.</summary>
    [TestMethod]
    public void MoreTokensThanTheConditionHasAreRefusedWithBothNumbers()
    {
        Save("4", change: config => config with { Adapter = config.Adapter with { TokenCount = 77 } });
        using Visualizer visualizer = Visualizer.Load(_folder["model"]);
        Assert.IsNull(visualizer.VisualTokenCount);
        using GenerateImagesTransformer fits = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick).Fit(Rows());
        IDataView many = _ml.Data.LoadFromEnumerable([new ManyTokens()]);
        Assert.AreEqual(
            "The column 'Tokens' (visual tokens) holds 100 tokens a picture, each 12 wide; the visualizer draws from at most 77 tokens, each 12 wide. Use the visualizer that was trained with this encoder.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer).Fit(many)).Message);
        Assert.AreEqual(
            "The visualizer draws from at most 77 visual tokens, each 12 wide; the rows have 100, each 12 wide. Encode the pictures with the encoder of that visualizer, or train another one.",
            Assert.ThrowsExactly<InvalidDataException>(() => Trainer().Fit(many)).Message);
    }

    private byte[] Draw(out List<string> log, DiffusionSchedulerKind? scheduler, bool? karras = null)
    {
        var lines = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, entry) => lines.Add(entry.RawMessage);
        using Visualizer visualizer = Visualizer.Load(_folder["model"], new VisualizerOptions { Precision = Precision.Float32 });
        ImageGenerationOptions generation = Quick;
        (generation.Scheduler, generation.KarrasSigmas) = (scheduler, karras);
        using GenerateImagesTransformer transformer = ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, generation).Fit(Rows());
        IDataView view = transformer.Transform(Rows());
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Picture"]]);
        Assert.IsTrue(cursor.MoveNext());
        MLImage picture = null!;
        cursor.GetGetter<MLImage>(view.Schema["Picture"])(ref picture);
        log = lines;
        using (picture) return RgbImage.FromMLImage(picture).Pixels;
    }

    private VisualizerTrainer Trainer(Action<VisualizerTrainer.Options>? change = null)
    {
        var options = new VisualizerTrainer.Options { PretrainedFolder = _folder["model"], VisualTokensColumnName = "Tokens", Training = OneStep, Generation = Quick };
        change?.Invoke(options);
        return _ml.MetaMorph().Trainers.Visualizer(options);
    }

    private static VisualizerModel Model(ulong seed) => new(TinyDiffusion.Latent, TinyDiffusion.Fresh(seed));

    private void Save(string sampleSize, string? autoencoder = null, ulong seed = 7, string? variant = null, Func<VisualizerConfig, VisualizerConfig>? change = null)
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(change?.Invoke(TinyDiffusion.Latent) ?? TinyDiffusion.Latent, TinyDiffusion.Fresh(seed));
        VisualizerFolder.Save(model, _folder["model"]);
        if (variant is not null)
        {
            foreach (string part in new[] { "unet", "vae" }) File.Move(_folder[$"model/{part}/diffusion_pytorch_model.safetensors"], _folder[$"model/{part}/diffusion_pytorch_model.{variant}.safetensors"], overwrite: true);
        }
        Write("unet", sampleSize);
        if (autoencoder is not null) Write("vae", autoencoder);

        void Write(string part, string size)
        {
            string path = _folder[$"model/{part}/config.json"];
            var json = (JsonObject)JsonNode.Parse(File.ReadAllText(path))!;
            json["sample_size"] = JsonNode.Parse(size);
            File.WriteAllText(path, json.ToJsonString());
        }
    }

    /// <summary>UNet and autoencoder are those of a model; a step with a rate of nearly nothing leaves them so.</summary>
    private static void AssertClose(VisualizerModel expected, DrawingModel actual)
    {
        var found = actual.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value);
        foreach ((string name, var parameter) in expected.named_parameters().Where(p => !p.name.StartsWith("adapter.", StringComparison.Ordinal))) TensorAssert.AreClose(parameter, found[name], 1e-6, name);
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(i => new PictureRow { Image = TinyModels.Picture(i), Tokens = [.. Enumerable.Range(0, 192).Select(k => MathF.Sin(k * (i + 1)))] }));

    private sealed class PictureRow
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        [VectorType(0, 16, 12)]
        public float[] Tokens { get; set; } = [];
    }

    private sealed class ManyTokens
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        [VectorType(0, 100, 12)]
        public float[] Tokens { get; set; } = [];
    }
}
