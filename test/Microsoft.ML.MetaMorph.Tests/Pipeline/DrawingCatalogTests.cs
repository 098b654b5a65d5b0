using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Picture → tokens → picture and prompt → picture in one call each, with all that drawing alone can do.</summary>
[TestClass]
public sealed class DrawingCatalogTests
{
    private const int Side = 16;

    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _folder = new();

    /// <summary>Draws from the 4 tokens, each 8 wide, of the tiny encoder and the tiny MetaMorph.</summary>
    private static VisualizerConfig Config { get; } = TinyDiffusion.Pixels with
    {
        Adapter = TinyDiffusion.Pixels.Adapter with { InputWidth = 8, TokenCount = 4, ConditionLength = 4 },
        UNet = TinyDiffusion.Pixels.UNet with { SampleSize = [Side / 4] },
    };

    private static ImageGenerationOptions Quick => new() { Steps = 3, GuidanceScale = 2, Seed = 5 };

    [TestCleanup]
    public void Cleanup() => _folder.Dispose();

    [TestMethod]
    public void AReconstructionIsEncodingAndDrawing()
    {
        using ImageEncoder encoder = Encoder();
        using Visualizer visualizer = Open();
        IDataView data = Files(["0.png"], ["1.png", "2.png", "3.png"], []);
        IEstimator<ITransformer> one = _ml.MetaMorph().ReconstructImages("Again", "Files", encoder, visualizer, Quick, maximumImages: 2, imageFolder: _folder.Path);
        IEstimator<ITransformer> two = _ml.MetaMorph().EncodeImages("T", "Files", encoder, _folder.Path).Append(_ml.MetaMorph().GenerateImages("Again", "T", visualizer, Quick, maximumImages: 2));
        List<object?[]> drawn = Rows(one, data, "Again", "Again1", "AgainTokens");
        ColumnValues.AssertEqual(Rows(two, data, "Again", "Again1", "T"), drawn, 0, "the same rows");
        CollectionAssert.AreEqual(new[] { (true, false), (true, true), (false, false) }, drawn.Select(row => (row[0] is not null, row[1] is not null)).ToArray());

        List<object?[]> files = Rows(_ml.MetaMorph().ReconstructImages("Again", "Files", encoder, visualizer, Quick, outputFolder: _folder["out"], imageFolder: _folder.Path), data, "Again");
        CollectionAssert.AreEqual(new[] { 1, 3, 0 }, files.Select(row => ((Array)row[0]!).Length).ToArray());
        Assert.HasCount(4, Directory.GetFiles(_folder["out"]));
    }

    [TestMethod]
    public void AReconstructionHasAColumnOfErrors()
    {
        using ImageEncoder encoder = Encoder();
        using Visualizer visualizer = Open();
        IDataView data = Files(["0.png"], ["none.png"], ["1.png"]);
        var options = new ReconstructImagesOptions { InputColumnName = "Files", Encoder = encoder, Visualizer = visualizer, ImageFolder = _folder.Path, Generation = Quick, ErrorColumnName = "Error" };
        List<object?[]> rows = Rows(_ml.MetaMorph().ReconstructImages(options), data, "Picture", "Error", "PictureTokensError");
        Assert.AreEqual(("", "", false, true, false), (rows[0][1], rows[2][1], rows[0][0] is null, rows[1][0] is null, rows[2][0] is null));
        foreach (string part in new[] { "Row 1, column 'Files', picture 1: ", _folder["none.png"] }) StringAssert.Contains((string)rows[1][1]!, part);
        Assert.AreEqual(rows[1][1], rows[1][2]);

        options.ErrorColumnName = null;
        using TransformerChain<GenerateImagesTransformer> strict = _ml.MetaMorph().ReconstructImages(options).Fit(data);
        StringAssert.StartsWith(Assert.Throws<FileNotFoundException>(() => ColumnValues.Rows(strict.Transform(data), ["Picture"])).Message, "Row 1, column 'Files', picture 1: ");
    }

    [TestMethod]
    public void APromptIsDrawn()
    {
        using Visualizer visualizer = Open();
        TinyFolders.SaveMetaMorph(_folder["model"]);
        IDataView data = Prompts("Draw a green square.", "Which colour?");
        var answering = new GenerationOptions { BeginWithImage = true };
        IEstimator<ITransformer> one = _ml.MetaMorph().DrawImages("Picture", "Prompt", _folder["model"], visualizer, Quick, maximumImages: 3);
        IEstimator<ITransformer> two = _ml.MetaMorph().GenerateResponse(_folder["model"], "Text", "Prompt", null, "T", answering).Append(_ml.MetaMorph().GenerateImages("Picture", "T", visualizer, Quick, maximumImages: 3));
        List<object?[]> drawn = Rows(one, data, "Picture", "Picture1", "Picture2", "PictureTokens", "PictureResponse");
        ColumnValues.AssertEqual(Rows(two, data, "Picture", "Picture1", "Picture2", "T", "Text"), drawn, 0, "the same rows");
        Assert.IsTrue(drawn.All(row => row[0] is not null));

        List<object?[]> files = Rows(_ml.MetaMorph().DrawImages("Picture", "Prompt", _folder["model"], visualizer, Quick, outputFolder: _folder["out"]), data, "Picture", "PictureTokens");
        foreach (object?[] row in files) Assert.HasCount(((Array)row[1]!).Length / 32, (Array)row[0]!);
    }

    [TestMethod]
    public void APromptThatCannotBeAnsweredIsAnErrorOfItsRow()
    {
        using Visualizer visualizer = Open();
        TinyFolders.SaveMetaMorph(_folder["model"]);
        IDataView data = Prompts("Draw a green square.", "<image>Which colour?");
        var options = new DrawImagesOptions { PretrainedFolder = _folder["model"], Visualizer = visualizer, Generation = Quick, ErrorColumnName = "Error", Answering = new GenerationOptions { BeginWithImage = true, MaxNewTokens = 8 } };
        List<object?[]> rows = Rows(_ml.MetaMorph().DrawImages(options), data, "Picture", "Error", "PictureTokensError");
        Assert.AreEqual(("", false, true), (rows[0][1], rows[0][0] is null, rows[1][0] is null));
        StringAssert.StartsWith((string)rows[1][1]!, "Row 1, column 'Prompt': ");
        Assert.AreEqual(rows[1][2], rows[1][1]);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void BothTellTheirStepsAndEndBetweenTwo(bool fromPrompts)
    {
        using Visualizer visualizer = Open();
        using ImageEncoder encoder = Encoder();
        using var cancellation = new CancellationTokenSource();
        var steps = new List<(int, int)>();
        var progress = new Receiver(status =>
        {
            steps.Add((status.Step, status.Steps));
            if (status.Step == 2) cancellation.Cancel();
        });
        TinyFolders.SaveMetaMorph(_folder["model"]);
        IDataView data = fromPrompts ? Prompts("Draw.") : Files(["0.png"]);
        EstimatorChain<GenerateImagesTransformer> estimator = fromPrompts
            ? _ml.MetaMorph().DrawImages(new DrawImagesOptions { PretrainedFolder = _folder["model"], Visualizer = visualizer, Generation = Quick, Progress = progress, CancellationToken = cancellation.Token })
            : _ml.MetaMorph().ReconstructImages(new ReconstructImagesOptions { InputColumnName = "Files", Encoder = encoder, ImageFolder = _folder.Path, Visualizer = visualizer, Generation = Quick, Progress = progress, CancellationToken = cancellation.Token });
        using TransformerChain<GenerateImagesTransformer> chain = estimator.Fit(data);
        Assert.Throws<OperationCanceledException>(() => ColumnValues.Rows(chain.Transform(data), ["Picture"]));
        CollectionAssert.AreEqual(new[] { (1, 3), (2, 3) }, steps);
    }

    [TestMethod]
    public void TheirOptionsAreCheckedAsThoseOfDrawing()
    {
        using Visualizer visualizer = Open();
        using ImageEncoder encoder = Encoder();
        MetaMorphCatalog catalog = _ml.MetaMorph();
        foreach (Action act in new Action[] { () => catalog.ReconstructImages("P", "Files", encoder, visualizer, maximumImages: 0), () => catalog.DrawImages("P", "Prompt", "nowhere", visualizer, maximumImages: 0) })
            Assert.AreEqual("MaximumImages is 0; it must be at least 1 and at most 1024. (Parameter 'MaximumImages')", Assert.ThrowsExactly<ArgumentOutOfRangeException>(act).Message);
        foreach (Action act in new Action[] { () => catalog.ReconstructImages("P", "Files", encoder, visualizer, new ImageGenerationOptions { Width = 18 }), () => catalog.DrawImages("P", "Prompt", "nowhere", visualizer, new ImageGenerationOptions { Width = 18 }) })
            StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(act).Message, "Width is 18 pixels; this visualizer needs a multiple of 4");
    }

    private static Visualizer Open() => new(new Lease<DrawingModel>(new DrawingModel(Config, new DrawingModelSettings(Precision.Float32), _ => new VisualizerModel(Config, TinyDiffusion.Fresh()), storage: null)));

    private ImageEncoder Encoder()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml, rows: 4);
        return trained.Encoder;
    }

    private static List<object?[]> Rows(IEstimator<ITransformer> estimator, IDataView data, params string[] columns)
    {
        ITransformer transformer = estimator.Fit(data);
        List<object?[]> rows = ColumnValues.Rows(transformer.Transform(data), columns);
        (transformer as IDisposable)?.Dispose();
        return rows;
    }

    private IDataView Files(params string[][] rows)
    {
        for (int i = 0; i < 4; i++)
        {
            using MLImage picture = TinyModels.Picture(i);
            DrawnPicture.Save(RgbImage.FromMLImage(picture), _folder[$"{i}.png"]);
        }

        return _ml.Data.LoadFromEnumerable(rows.Select(files => new FileRow { Files = files }));
    }

    private IDataView Prompts(params string[] prompts) => _ml.Data.LoadFromEnumerable(prompts.Select(prompt => new PromptRow { Prompt = prompt }));

    private sealed class Receiver(Action<DrawingStatus> receive) : IProgress<DrawingStatus>
    {
        public void Report(DrawingStatus value) => receive(value);
    }

    private sealed class FileRow
    {
        public string[] Files { get; set; } = [];
    }

    private sealed class PromptRow
    {
        public string Prompt { get; set; } = "";
    }
}
