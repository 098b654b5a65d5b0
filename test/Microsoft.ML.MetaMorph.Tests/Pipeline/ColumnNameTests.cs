namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Names of columns with which a zip could not be opened again are refused where they are set.</summary>
[TestClass]
public sealed class ColumnNameTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void EmptyNamesOfResponses()
    {
        Action<ResponseColumns, string>[] set =
        [
            (columns, name) => columns.ErrorColumnName = name,
            (columns, name) => columns.LogProbabilityColumnName = name,
            (columns, name) => columns.OutputVisualTokensColumnName = name,
        ];
        string[] options = ["ErrorColumnName", "LogProbabilityColumnName", "OutputVisualTokensColumnName"];
        for (int i = 0; i < set.Length; i++)
        {
            VisualPredictiveInstructionTuningTrainer.Options training = TinyModels.TrainerOptions();
            var answering = new GenerateResponseEstimator.Options { PretrainedFolder = "nowhere" };
            set[i](training, "");
            set[i](answering, "");
            string expected = $"{options[i]} is empty; name a column, or set it to null for none.";
            Assert.AreEqual(expected, Refused(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(training)));
            Assert.AreEqual(expected, Refused(() => _ml.MetaMorph().GenerateResponse(answering)));
        }

        Assert.AreEqual(
            "ResponseColumnName is empty; name a column, or set it to null for none.",
            Refused(() => _ml.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options { PretrainedFolder = "nowhere", ResponseColumnName = "" })));
    }

    /// <summary>An appended column must not hide one that the same component reads.</summary>
    [TestMethod]
    public void OutputsWithTheNameOfAnInput()
    {
        static string Message(string input, string output, string name)
            => $"{input}, which is read, and {output}, which is appended, are both '{name}', so the appended column would hide the other. Give one of them another name.";
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        string Training(Action<VisualPredictiveInstructionTuningTrainer.Options> change)
        {
            options = TinyModels.TrainerOptions();
            change(options);
            return Refused(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options));
        }

        Assert.AreEqual(Message("ResponseVisualTokensColumnName", "OutputVisualTokensColumnName", "ResponseVisualTokens"), Training(o => o.ResponseVisualTokensColumnName = "ResponseVisualTokens"));
        Assert.AreEqual(Message("ResponseColumnName", "OutputColumnName", "Response"), Training(o => o.OutputColumnName = "Response"));
        Assert.AreEqual(Message("PromptColumnName", "ErrorColumnName", "Prompt"), Training(o => o.ErrorColumnName = "Prompt"));
        Assert.AreEqual(Message("VisualTokensColumnName", "LogProbabilityColumnName", "VisualTokens"), Training(o => o.LogProbabilityColumnName = "VisualTokens"));
        Assert.AreEqual(
            Message("PromptColumnName", "OutputColumnName", "Prompt"),
            Refused(() => _ml.MetaMorph().GenerateResponse("nowhere", outputColumnName: "Prompt")));
        // Answering reads responses only for the earlier turns of a prompt: where there are none, an answer may be called so.
        Assert.IsNotNull(_ml.MetaMorph().GenerateResponse("nowhere", outputColumnName: "Response"));
    }

    [TestMethod]
    public void NamesOfPictures()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        MetaMorphCatalog catalog = _ml.MetaMorph();
        Assert.AreEqual("InputColumnNames[1] is empty; each entry must be the name of a column.", Refused(() => catalog.EncodeImages("VisualTokens", ["PromptImage", ""], encoder)));
        Assert.AreEqual("InputColumnNames[1] is null; each entry must be the name of a column.", Refused(() => catalog.EncodeImages("VisualTokens", ["PromptImage", null!], encoder)));
        Assert.AreEqual("ErrorColumnName is empty; name a column, or set it to null for none.", Refused(() => catalog.EncodeImages(new EncodeImagesEstimator.Options { Encoder = encoder, ErrorColumnName = "" })));
        Assert.AreEqual("inputColumnName is empty; name a column, or set it to null for that with the name of the output. (Parameter 'inputColumnName')", Refused(() => catalog.EncodeImages("VisualTokens", "", encoder)));
        Assert.AreEqual("OutputColumnName is empty; it must be the name of a column.", Refused(() => catalog.EncodeImages("", "Image", encoder)));
        Assert.AreEqual("ImageColumnNames[0] is empty; each entry must be the name of a column.", Refused(() => catalog.Trainers.Visualizer(imageColumnName: "")));
        Assert.AreEqual("ErrorColumnName is empty; name a column, or set it to null for none.", Refused(() => catalog.Trainers.Autoencoder(new AutoencoderTrainer.Options { ErrorColumnName = "" })));
    }

    /// <summary>Where there is one column of pictures, its tokens may take its place; an error must not, and of several columns none may go.</summary>
    [TestMethod]
    public void TokensHideNoPicturesThatStay()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        string Options(string output, string[] inputs, string? error = null)
            => Refused(() => _ml.MetaMorph().EncodeImages(new EncodeImagesEstimator.Options { Encoder = encoder, OutputColumnName = output, InputColumnNames = inputs, ErrorColumnName = error }));
        static string Message(string input, string output, string name)
            => $"{input}, which is read, and {output}, which is appended, are both '{name}', so the appended column would hide the other. Give one of them another name.";

        Assert.AreEqual(Message("InputColumnNames[1]", "OutputColumnName", "B"), Options("B", ["A", "B"]));
        Assert.AreEqual(Message("InputColumnNames[0]", "OutputColumnName with PictureCounts behind it", "TPictureCounts"), Options("T", ["TPictureCounts", "B"]));
        Assert.AreEqual(Message("InputColumnNames[0]", "ErrorColumnName", "A"), Options("T", ["A"], "A"));
        Assert.AreEqual("Two columns would be appended as 'A'.", Options("A", [], "A"));
    }

    private static string Refused(Func<object> make) => Assert.ThrowsExactly<ArgumentException>(make).Message;
}
