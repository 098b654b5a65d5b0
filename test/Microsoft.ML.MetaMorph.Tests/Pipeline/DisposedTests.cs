namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What was disposed is named as its user knows it, not by the internal model that it held.</summary>
[TestClass]
public sealed class DisposedTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AnEncoderAndItsTransformer()
    {
        IDataView data = TinyModels.Captions(_ml, 4);
        EncodeImagesTransformer transformer = TinyModels.TrainEncoder(_ml);
        ImageEncoder encoder = transformer.Encoder;
        encoder.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.ImageEncoder", () => encoder.Save("never-written"));
        AssertNamed("Microsoft.ML.MetaMorph.ImageEncoder", () => _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data));
        transformer.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.EncodeImagesTransformer", () => _ = transformer.Encoder);
        AssertNamed("Microsoft.ML.MetaMorph.EncodeImagesTransformer", () => transformer.Transform(data));
    }

    [TestMethod]
    public void AMetaMorph()
    {
        IDataView data = EncodedRow.Rows(_ml, 4);
        MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        MetaMorphTransformer other = model.WithGeneration(new GenerationOptions { MaxNewTokens = 2 });
        model.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.MetaMorphTransformer", () => model.Transform(data));
        AssertNamed("Microsoft.ML.MetaMorph.MetaMorphTransformer", () => model.CreateResponder());
        AssertNamed("Microsoft.ML.MetaMorph.MetaMorphTransformer", () => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions()).Fit(data, model));
        MetaMorphResponder responder = other.CreateResponder();
        responder.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.MetaMorphResponder", () => responder.StreamAsync("Hi"));
        other.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.MetaMorphTransformer", () => _ = other.Tokenizer);
    }

    [TestMethod]
    public void AVisualizer()
    {
        using var folder = new ScratchFolder();
        IDataView data = RecordedPrecisionTests.SaveVisualizer(_ml, Precision.Float32, folder["model.zip"]);
        var transformer = (GenerateImagesTransformer)_ml.MetaMorph().LoadModel(folder["model.zip"], out _);
        Visualizer visualizer = transformer.Visualizer;
        visualizer.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.Visualizer", () => _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer).Fit(data));
        transformer.Dispose();
        AssertNamed("Microsoft.ML.MetaMorph.GenerateImagesTransformer", () => _ = transformer.Visualizer);
    }

    private static void AssertNamed(string name, Action use)
        => Assert.AreEqual($"Cannot access a disposed object.{Environment.NewLine}Object name: '{name}'.", Assert.ThrowsExactly<ObjectDisposedException>(use).Message);
}
