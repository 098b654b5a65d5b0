using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Weights that are no numbers are told by the model that computes with them, with the file that they lie in, and not by whoever reads the result.</summary>
[TestClass]
public sealed class BrokenWeightsTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AnEncoders()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Break();
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4, Precision = Precision.Float32 });
        var options = new EncodeImagesEstimator.Options { InputColumnNames = ["Image"], Encoder = encoder, ErrorColumnName = "Error" };
        IDataView data = TinyModels.Captions(_ml, 2);
        using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages(options).Fit(data);
        // No row is to blame, so the error column does not take it.
        Assert.AreEqual(
            $"The image encoder '{WeightsFile}' computes no finite numbers: value 1 of visual token 1 of a picture is NaN. Its weights are broken, or too large for the element type in which it computes ({transformer.Model.Choice(TorchSharp.torch.CPU)}); take another copy, or train it anew with a lower learning rate.",
            Assert.ThrowsExactly<NotFiniteNumberException>(() => ColumnValues.Rows(transformer.Transform(data), ["VisualTokens", "Error"])).Message);
    }

    [TestMethod]
    [DataRow(false, "the first logits behind a prompt have NaN at place 0 of ")]
    [DataRow(true, "the first logits behind a prompt have NaN at place 0 of ")]
    public void AMetaMorphs(bool vectorized, string problem)
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Break();
        var generation = new GenerationOptions { MaxNewTokens = 2, Engine = vectorized ? DecodingEngine.Vectorized : DecodingEngine.Torch };
        var options = new GenerateResponseEstimator.Options { PretrainedFolder = Folder.Path, VisualTokensColumnName = null, Generation = generation, Precision = Precision.Float32, ErrorColumnName = "Error" };
        IDataView data = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "Say yes." }]);
        using MetaMorphTransformer model = _ml.MetaMorph().GenerateResponse(options).Fit(data);
        string expected = $"The MetaMorph '{WeightsFile}' computes no finite numbers: {problem}{model.Model.Config.Language.VocabularySize}. Its weights are broken, or too large for the element type in which it computes ({model.Model.Choice}); take another copy, or train it anew with a lower learning rate.";
        Assert.AreEqual(expected, Assert.ThrowsExactly<NotFiniteNumberException>(() => ColumnValues.Rows(model.Transform(data), ["PredictedResponse", "Error"])).Message);
        using MetaMorphResponder responder = model.CreateResponder();
        Assert.AreEqual(expected, Assert.ThrowsExactly<NotFiniteNumberException>(() => responder.RespondAsync("Say yes.").GetAwaiter().GetResult()).Message);
    }

    [TestMethod]
    [DataRow(false, "vision_head.", "the visual token at position 2 of a response has NaN at place 0 of 8")]
    [DataRow(true, "vision_head.", "the visual token at position 2 of a response has NaN at place 0 of 8")]
    // The projector first has to do with the second visual token, whose input is the first.
    [DataRow(false, "model.mm_projector.", "the visual token at position 3 of a response has NaN at place 0 of 8")]
    [DataRow(true, "model.mm_projector.", "the visual token at position 3 of a response has NaN at place 0 of 8")]
    public void OnePartOfAMetaMorphs(bool vectorized, string part, string problem)
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Break(part);
        using MetaMorphTransformer model = Model(vectorized, tokens: null);
        IDataView data = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "Draw." }, new EncodedRow { Prompt = "Draw a green square." }]);
        string expected = $"The MetaMorph '{WeightsFile}' computes no finite numbers: {problem}. Its weights are broken, or too large for the element type in which it computes ({model.Model.Choice}); take another copy, or train it anew with a lower learning rate.";
        Assert.AreEqual(expected, Assert.ThrowsExactly<NotFiniteNumberException>(() => ColumnValues.Rows(model.Transform(data), ["PredictedResponse", "Error"])).Message);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void VisualTokensThatOverflowAreTheirRowsError(bool vectorized)
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        using MetaMorphTransformer model = Model(vectorized, "VisualTokens");
        EncodedRow good = Seen(0.25f), bad = Seen(3e38f);
        (string Text, string Error)[] Answer(params EncodedRow[] rows) => [.. ColumnValues.Rows(model.Transform(_ml.Data.LoadFromEnumerable(rows)), ["PredictedResponse", "Error"]).Select(row => ($"{row[0]}", $"{row[1]}"))];
        (string Text, string Error)[] answers = Answer(bad, good, bad);
        const string Error = "column 'VisualTokens': the prompt has visual tokens whose largest value is 3E+38, from which the model computes no finite numbers: the first logits behind a prompt have NaN at place 0 of 264. Encode its pictures anew; where rows of ordinary values fail as well, the weights of the model are broken.";
        Assert.HasCount(3, answers);
        Assert.AreEqual(("", $"Row 0, {Error}"), answers[0]);
        Assert.AreEqual("", answers[1].Error);
        Assert.AreEqual(Answer(good)[0], answers[1]);
        Assert.AreEqual(("", $"Row 2, {Error}"), answers[2]);
        // Alone in its batch it is to blame all the same.
        Assert.AreEqual(answers[0], Answer(bad)[0]);
    }

    [TestMethod]
    public void WhereEveryRowOfOrdinaryTokensFailsBothAreNamed()
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Break("model.mm_projector.");
        using MetaMorphTransformer model = Model(vectorized: true, "VisualTokens");
        IDataView data = _ml.Data.LoadFromEnumerable([Seen(0.25f), Seen(0.5f)]);
        string expected = $"The MetaMorph '{WeightsFile}' computes no finite numbers: the first logits behind a prompt have NaN at place 0 of 264 (the largest value of the prompt's visual tokens, which might be to blame as well, is 0.25). Its weights are broken, or too large for the element type in which it computes ({model.Model.Choice}); take another copy, or train it anew with a lower learning rate.";
        Assert.AreEqual(expected, Assert.ThrowsExactly<NotFiniteNumberException>(() => ColumnValues.Rows(model.Transform(data), ["PredictedResponse", "Error"])).Message);
    }

    private static EncodedRow Seen(float value)
    {
        var tokens = new float[EncodedRow.PictureLength];
        Array.Fill(tokens, value);
        return new EncodedRow { Prompt = "<image>Which colour?", VisualTokens = tokens };
    }

    private MetaMorphTransformer Model(bool vectorized, string? tokens)
    {
        var generation = new GenerationOptions { MaxNewTokens = 8, BeginWithImage = tokens is null, Engine = vectorized ? DecodingEngine.Vectorized : DecodingEngine.Torch };
        var options = new GenerateResponseEstimator.Options { PretrainedFolder = Folder.Path, VisualTokensColumnName = tokens, Generation = generation, Precision = Precision.Float32, ErrorColumnName = "Error" };
        return _ml.MetaMorph().GenerateResponse(options).Fit(_ml.Data.LoadFromEnumerable([new EncodedRow()]));
    }

    // Every weight of the file whose name begins so becomes NaN; the header stays.
    private void Break(string part = "")
    {
        byte[] file = File.ReadAllBytes(WeightsFile);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file), broken = 0;
        foreach (JsonProperty tensor in JsonDocument.Parse(file.AsMemory(8, header)).RootElement.EnumerateObject())
        {
            if (tensor.Name == "__metadata__" || !tensor.Name.StartsWith(part, StringComparison.Ordinal)) continue;
            int[] ends = [.. tensor.Value.GetProperty("data_offsets").EnumerateArray().Select(end => 8 + header + end.GetInt32())];
            MemoryMarshal.Cast<byte, float>(file.AsSpan(ends[0]..ends[1])).Fill(float.NaN);
            broken++;
        }
        Assert.IsGreaterThan(0, broken);
        File.WriteAllBytes(WeightsFile, file);
    }
}
