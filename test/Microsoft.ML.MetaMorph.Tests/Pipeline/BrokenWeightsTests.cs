using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Weights that are no numbers are told by the model that computes with them, with the file that they lie in, and not by whoever reads the result.</summary>
[TestClass]
public sealed class BrokenWeightsTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _folder = new();

    private string Weights => _folder["model.safetensors"];

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    public void AnEncoders()
    {
        TinyFolders.SaveEncoder(_folder.Path);
        Break();
        using ImageEncoder encoder = ImageEncoder.Load(_folder.Path, new ImageEncoderOptions { VisualTokenCount = 4, Precision = Precision.Float32 });
        var options = new EncodeImagesEstimator.Options { InputColumnNames = ["Image"], Encoder = encoder, ErrorColumnName = "Error" };
        IDataView data = TinyModels.Captions(_ml, 2);
        using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages(options).Fit(data);
        // No row is to blame, so the error column does not take it.
        Assert.AreEqual(
            $"The image encoder '{Weights}' computes no finite numbers: value 1 of visual token 1 of a picture is NaN. Its weights are broken, or too large for the element type in which it computes ({transformer.Model.Choice(TorchSharp.torch.CPU)}); take another copy, or train it anew with a lower learning rate.",
            Assert.ThrowsExactly<NotFiniteNumberException>(() => ColumnValues.Rows(transformer.Transform(data), ["VisualTokens", "Error"])).Message);
    }

    [TestMethod]
    [DataRow(false, "the first logits behind a prompt have NaN at place 0 of ")]
    [DataRow(true, "the first logits behind a prompt have NaN at place 0 of ")]
    public void AMetaMorphs(bool vectorized, string problem)
    {
        TinyFolders.SaveMetaMorph(_folder.Path);
        Break();
        var generation = new GenerationOptions { MaxNewTokens = 2, Engine = vectorized ? DecodingEngine.Vectorized : DecodingEngine.Torch };
        var options = new GenerateResponseEstimator.Options { PretrainedFolder = _folder.Path, VisualTokensColumnName = null, Generation = generation, Precision = Precision.Float32, ErrorColumnName = "Error" };
        IDataView data = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "Say yes." }]);
        using MetaMorphTransformer model = _ml.MetaMorph().GenerateResponse(options).Fit(data);
        string expected = $"The MetaMorph '{Weights}' computes no finite numbers: {problem}{model.Model.Config.Language.VocabularySize}. Its weights are broken, or too large for the element type in which it computes ({model.Model.Choice}); take another copy, or train it anew with a lower learning rate.";
        Assert.AreEqual(expected, Assert.ThrowsExactly<NotFiniteNumberException>(() => ColumnValues.Rows(model.Transform(data), ["PredictedResponse", "Error"])).Message);
        using MetaMorphResponder responder = model.CreateResponder();
        Assert.AreEqual(expected, Assert.ThrowsExactly<NotFiniteNumberException>(() => responder.RespondAsync("Say yes.").GetAwaiter().GetResult()).Message);
    }

    // Every weight of the file becomes NaN; the header stays.
    private void Break()
    {
        byte[] file = File.ReadAllBytes(Weights);
        MemoryMarshal.Cast<byte, float>(file.AsSpan(8 + (int)BinaryPrimitives.ReadInt64LittleEndian(file))).Fill(float.NaN);
        File.WriteAllBytes(Weights, file);
    }
}
