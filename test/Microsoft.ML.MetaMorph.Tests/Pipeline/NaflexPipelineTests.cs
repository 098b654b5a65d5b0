using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// A SigLIP 2 NaFlex folder in a pipeline. Samples/naflex-hidden.json holds PyTorch's output of the last block (before post_layernorm) for
/// the pictures of the reference case siglip2-naflex; the reduction to visual tokens is computed here in plain code.
/// </summary>
[TestClass]
public sealed class NaflexPipelineTests : FolderTests
{
    private static readonly string Case = Path.Combine(ReferenceFolder.Repository, "test", "reference", "siglip2-naflex");

    private readonly MLContext _ml = new(seed: 1);

    [TestInitialize]
    public void MakeFolder()
    {
        File.Copy(Path.Combine(Case, "config.json"), Folder["config.json"]);
        File.Copy(Path.Combine(Case, "model.safetensors"), Folder["model.safetensors"]);
        // The case's pictures are whole patches already.
        WritePreprocessor(resize: false);
    }

    [TestMethod]
    [DataRow("interpolation", 4)]
    [DataRow("interpolation", 16)]
    [DataRow("interpolation", 1)]
    [DataRow("concat_interpolation", 4)]
    public void TokensAreTheGridStretchedToASquare(string reduction, int count)
    {
        Picture[] pictures = Pictures();
        Assert.IsTrue(pictures.Any(picture => picture.Rows != picture.Columns), "grids that are no squares");
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = count, TokenReduction = reduction, Precision = Precision.Float32 });
        int width = reduction == "interpolation" ? 32 : 4 * 32;
        Assert.AreEqual((count, width, null), (encoder.VisualTokenCount, encoder.VisualTokenWidth, encoder.ImageSize));
        Assert.AreEqual(Limit(), encoder.MaximumPatchCount);
        IDataView data = _ml.Data.LoadFromEnumerable(pictures.Select(picture => new ImageRow { Image = picture.ToImage() }).ToArray());
        // Two at a time, so that pictures of unlike grids share a batch, and one stands alone.
        using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("T", "Image", encoder, batchSize: 2).Fit(data);
        var type = (VectorDataViewType)transformer.GetOutputSchema(data.Schema)["T"].Type;
        CollectionAssert.AreEqual(new[] { 0, count, width }, type.Dimensions.ToArray());
        List<object?[]> rows = ColumnValues.Rows(transformer.Transform(data), ["T"]);
        for (int i = 0; i < pictures.Length; i++)
        {
            float[] actual = (float[])rows[i][0]!;
            double[] expected = reduction == "interpolation" ? Unit(Stretch(pictures[i], count), 32) : Unit(Join(Stretch(pictures[i], 4 * count), count), width);
            Assert.HasCount(expected.Length, actual);
            for (int v = 0; v < expected.Length; v++) Assert.AreEqual(expected[v], actual[v], 1e-5, $"picture {i}, token {v / width}, value {v % width}");
        }
    }

    /// <summary>The committed figures and the reference case tell of the same states.</summary>
    [TestMethod]
    public void TheSampleIsTheReferencesBeforeItsLastNorm()
    {
        Dictionary<string, Tensor> weights = PlainSafeTensors.Read(Path.Combine(Case, "model.safetensors")), io = PlainSafeTensors.Read(Path.Combine(Case, "io.safetensors"));
        float[] scale = [.. weights["vision_model.post_layernorm.weight"].data<float>()], shift = [.. weights["vision_model.post_layernorm.bias"].data<float>()];
        Picture[] pictures = Pictures();
        for (int i = 0; i < pictures.Length; i++)
        {
            float[] expected = [.. io["last_hidden_state"][i].contiguous().data<float>()];
            for (int patch = 0; patch < pictures[i].Rows * pictures[i].Columns; patch++)
            {
                ReadOnlySpan<double> state = pictures[i].Hidden.AsSpan(patch * 32, 32);
                double mean = 0, variance = 0;
                foreach (double value in state) mean += value / 32;
                foreach (double value in state) variance += (value - mean) * (value - mean) / 32;
                for (int d = 0; d < 32; d++) Assert.AreEqual(expected[patch * 32 + d], (state[d] - mean) / Math.Sqrt(variance + 1e-6) * scale[d] + shift[d], 2e-5, $"picture {i}, patch {patch}, value {d}");
            }
        }
    }

    [TestMethod]
    public void PassesTheWorkout()
    {
        WritePreprocessor(resize: true);
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4, Precision = Precision.Float32 });
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 7).Select(i => new ImageRow { Image = Noise(5 + 3 * i, 40 - 4 * i, i) }).ToArray());
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoder, batchSize: 3), data, ["VisualTokens"]);
    }

    [TestMethod]
    public void AFolderThatIsSavedAgainGivesTheSameTokens()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Pictures().Select(picture => new ImageRow { Image = picture.ToImage() }).ToArray());
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4, Normalize = false, SelectLayer = 1 });
        encoder.Save(Folder["again"]);
        using ImageEncoder again = ImageEncoder.Load(Folder["again"]);
        using EncodeImagesTransformer a = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data), b = _ml.MetaMorph().EncodeImages("T", "Image", again).Fit(data);
        ColumnValues.AssertEqual(ColumnValues.Rows(a.Transform(data), ["T"]), ColumnValues.Rows(b.Transform(data), ["T"]), 1e-6, "saved again");
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder["again"], "config.json")));
        Assert.AreEqual("siglip2_vision_model", config.RootElement.GetProperty("model_type").GetString());
    }

    /// <summary>A whole SigLIP 2, as it is published, names its kind outside.</summary>
    [TestMethod]
    public void TheTowerOfAWholeSigLip2IsFound()
    {
        JsonNode tower = JsonNode.Parse(File.ReadAllText(Folder["config.json"]))!;
        File.WriteAllText(Folder["config.json"], new JsonObject { ["model_type"] = "siglip2", ["vision_config"] = tower }.ToJsonString());
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4 });
        Assert.AreEqual(4, encoder.VisualTokenCount);
    }

    [TestMethod]
    public void MorePatchesShowMoreOfAPicture()
    {
        WritePreprocessor(resize: true);
        IDataView data = _ml.Data.LoadFromEnumerable([new ImageRow { Image = Noise(64, 48, 1) }]);
        float[] Tokens(int patches)
        {
            using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4, MaximumPatchCount = patches });
            Assert.AreEqual(patches, encoder.MaximumPatchCount);
            using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data);
            return (float[])ColumnValues.Rows(transformer.Transform(data), ["T"])[0][0]!;
        }

        float[] few = Tokens(12), many = Tokens(48);
        Assert.HasCount(few.Length, many);
        CollectionAssert.AreNotEqual(few, many);
    }

    [TestMethod]
    public void WhatDoesNotFitIsRefused()
    {
        void Refuses<T>(ImageEncoderOptions options, params string[] parts)
            where T : Exception
        {
            string message = Assert.ThrowsExactly<T>(() => ImageEncoder.Load(Folder.Path, options)).Message;
            foreach (string part in parts) StringAssert.Contains(message, part);
        }

        Refuses<ArgumentException>(new() { TokenReduction = "none" }, "Without a token reduction", "SigLIP 2 NaFlex", "Choose interpolation or concat_interpolation.");
        Refuses<ArgumentException>(new() { VisualTokenCount = 5 }, "5 visual tokens form no square grid");
        Refuses<ArgumentException>(new() { VisualTokenCount = 4, SelectLayer = 3 }, "Layer 3 was selected; the tower has 2 blocks: -3 to 2 can be selected.");
        Refuses<ArgumentException>(new() { VisualTokenCount = 4, AspectRatio = ImageAspectRatio.Pad }, "AspectRatio is Pad, but the pictures of", "keep their shape (SigLIP 2 NaFlex). Leave the option away.");
        Refuses<ArgumentOutOfRangeException>(new() { VisualTokenCount = 4, MaximumPatchCount = 0 }, "MaximumPatchCount must be at least 1. (Parameter 'MaximumPatchCount')");
        WritePreprocessor(resize: false, patchSize: 5);
        Refuses<InvalidDataException>(new() { VisualTokenCount = 4 }, $"'{Folder.Path}': preprocessor_config.json makes patches of 5x5 (patch_size), but the vision tower of config.json takes patches of 4x4 (patch_size). They do not belong together.");
        File.WriteAllText(Folder["preprocessor_config.json"], """{"image_processor_type": "SiglipImageProcessor", "size": {"height": 20, "width": 20}}""");
        Refuses<InvalidDataException>(new() { VisualTokenCount = 4 }, "makes pictures of 20x20 (size), but the vision tower of config.json takes pictures that keep their shape (SigLIP 2 NaFlex");
        using ImageEncoder square = SquareEncoder();
        square.Save(Folder["square"]);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => ImageEncoder.Load(Folder["square"], new ImageEncoderOptions { MaximumPatchCount = 9 })).Message, "MaximumPatchCount is 9, but the pictures of");
        WritePreprocessor(resize: true);
        File.Copy(Folder["preprocessor_config.json"], Path.Combine(Folder["square"], "preprocessor_config.json"), overwrite: true);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImageEncoder.Load(Folder["square"])).Message, "takes pictures of 16x16 (image_size). They do not belong together.");
    }

    [TestMethod]
    public void APictureThatFitsNoGridIsItsRowsError()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new ImageRow { Image = Noise(8, 8, 1) }, new ImageRow { Image = Noise(9, 8, 1) }, new ImageRow { Image = Noise(8, 8, 1) }]);
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4 });
        using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data);
        using DataViewRowCursor cursor = transformer.Transform(data).GetRowCursor([transformer.GetOutputSchema(data.Schema)["T"]]);
        Func<object?> read = ColumnValues.Reader(cursor, cursor.Schema["T"]);
        var tokens = new List<object?>();
        for (int row = 0; cursor.MoveNext(); row++)
        {
            if (row == 1) Assert.AreEqual($"Row 1, column 'Image', picture 1: The configuration switches resizing off (do_resize), but a picture of 9x8 is not at most {Limit()} whole patches of 4x4.", Assert.ThrowsExactly<InvalidDataException>(() => read()).Message);
            else tokens.Add(read());
        }

        Assert.HasCount(2, tokens);
        CollectionAssert.AreEqual((float[])tokens[0]!, (float[])tokens[1]!);
    }

    /// <summary>Captions alone move its vision tower too, from a folder and from an encoder; an unnoticeable rate leaves its tokens as they are.</summary>
    [TestMethod]
    public void TrainingGoesOnFromOne()
    {
        WritePreprocessor(resize: true);
        IDataView data = TinyModels.Captions(_ml, 8);
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 4, Precision = Precision.Float32 });
        using EncodeImagesTransformer previous = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoder).Fit(data);
        List<object?[]> before = ColumnValues.Rows(previous.Transform(data), ["VisualTokens"]);
        foreach ((double rate, double tolerance) in new[] { (1e-12, 1e-4), (1e-2, 0) })
        {
            var options = new LanguageImagePretrainingTrainer.Options { Training = TinyModels.Encoder with { LearningRate = rate }, TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 } };
            using EncodeImagesTransformer copied = _ml.MetaMorph().Trainers.LanguageImagePretraining(options).Fit(data, previous);
            options.PretrainedFolder = Folder.Path;
            using EncodeImagesTransformer opened = _ml.MetaMorph().Trainers.LanguageImagePretraining(options).Fit(data);
            foreach (EncodeImagesTransformer trained in new[] { copied, opened })
            {
                Assert.IsNull(trained.LanguageImageEncoder);
                List<object?[]> after = ColumnValues.Rows(trained.Transform(data), ["VisualTokens"]);
                if (tolerance > 0) ColumnValues.AssertEqual(before, after, tolerance, "tokens");
                else Assert.IsGreaterThan(0.01, ((float[])before[0][0]!).Zip((float[])after[0][0]!, (a, b) => Math.Abs(a - b)).Max());
            }
        }

        var padded = new LanguageImagePretrainingTrainer.Options { Training = TinyModels.Encoder, PretrainedFolder = Folder.Path, AspectRatio = ImageAspectRatio.Pad };
        Assert.AreEqual(
            $"AspectRatio is Pad, but the pictures of '{Folder.Path}' keep their shape (SigLIP 2 NaFlex). Leave the option away.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(padded).Fit(data)).Message);
    }

    /// <summary>Bilinear, corners not aligned, no antialiasing: the pixel's middle in the source, its neighbours clamped to the grid.</summary>
    private static double[] Stretch(Picture picture, int count)
    {
        int side = (int)Math.Sqrt(count);
        var tokens = new double[count * 32];
        for (int row = 0; row < side; row++)
        {
            for (int column = 0; column < side; column++)
            {
                (int up, int down, double below) = Neighbours(row, side, picture.Rows);
                (int left, int right, double beside) = Neighbours(column, side, picture.Columns);
                for (int d = 0; d < 32; d++)
                {
                    double above = picture.At(up, left, d) * (1 - beside) + picture.At(up, right, d) * beside;
                    double under = picture.At(down, left, d) * (1 - beside) + picture.At(down, right, d) * beside;
                    tokens[(row * side + column) * 32 + d] = above * (1 - below) + under * below;
                }
            }
        }

        return tokens;
    }

    private static (int Before, int After, double Share) Neighbours(int at, int targets, int sources)
    {
        double position = Math.Max(0, (at + 0.5) * sources / targets - 0.5);
        int before = Math.Min((int)position, sources - 1);
        return (before, Math.Min(before + 1, sources - 1), position - before);
    }

    /// <summary>Upper left, upper right, lower left and lower right of each 2×2 neighbours, joined.</summary>
    private static double[] Join(double[] fine, int count)
    {
        int side = (int)Math.Sqrt(count);
        var tokens = new List<double>();
        for (int row = 0; row < side; row++)
        {
            for (int column = 0; column < side; column++)
            {
                foreach ((int y, int x) in new[] { (0, 0), (0, 1), (1, 0), (1, 1) })
                    tokens.AddRange(fine.AsSpan(((2 * row + y) * 2 * side + 2 * column + x) * 32, 32));
            }
        }

        return [.. tokens];
    }

    private static double[] Unit(double[] tokens, int width)
        => [.. tokens.Chunk(width).SelectMany(token => token.Select(value => value / Math.Sqrt(token.Sum(v => v * v))))];

    private static Picture[] Pictures()
    {
        Dictionary<string, Tensor> io = PlainSafeTensors.Read(Path.Combine(Case, "io.safetensors"));
        using JsonDocument sample = JsonDocument.Parse(File.ReadAllText(Path.Combine(ReferenceFolder.Repository, "test", "Microsoft.ML.MetaMorph.Tests", "Pipeline", "Samples", "naflex-hidden.json")));
        return [.. sample.RootElement.EnumerateArray().Select((entry, i) => new Picture(
            entry.GetProperty("rows").GetInt32(),
            entry.GetProperty("columns").GetInt32(),
            [.. entry.GetProperty("hidden").EnumerateArray().Select(value => value.GetDouble())],
            io[$"image.{i}"]))];
    }

    private static int Limit() => (int)PlainSafeTensors.Read(Path.Combine(Case, "io.safetensors"))["pixel_values"].size(1);

    private static MLImage Noise(int width, int height, int seed)
    {
        RgbImage noise = PillowPictures.Noise(width, height, seed);
        return ToImage(noise.Width, noise.Height, noise.Pixels);
    }

    private static MLImage ToImage(int width, int height, byte[] rgb)
    {
        var pixels = new byte[width * height * 4];
        for (int i = 0; i < width * height; i++) (pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]) = (rgb[3 * i + 2], rgb[3 * i + 1], rgb[3 * i], 255);
        return MLImage.CreateFromPixels(width, height, MLPixelFormat.Bgra32, pixels);
    }

    private ImageEncoder SquareEncoder()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        return trained.Encoder;
    }

    private void WritePreprocessor(bool resize, int patchSize = 4)
    {
        var config = new ImagePreprocessorConfig { Naflex = true, PatchSize = patchSize, MaximumPatches = Limit(), Resample = ResampleFilter.Bilinear };
        JsonNode json = JsonNode.Parse(JsonFile.Bytes(config.Write))!;
        json["do_resize"] = resize;
        File.WriteAllText(Folder["preprocessor_config.json"], json.ToJsonString());
    }

    /// <summary>A picture of the case with PyTorch's states of its patches.</summary>
    private sealed record Picture(int Rows, int Columns, double[] Hidden, Tensor Pixels)
    {
        public double At(int row, int column, int value) => Hidden[(row * Columns + column) * 32 + value];

        public MLImage ToImage() => NaflexPipelineTests.ToImage((int)Pixels.size(1), (int)Pixels.size(0), Pixels.contiguous().bytes.ToArray());
    }

    private sealed class ImageRow
    {
        [Microsoft.ML.Transforms.Image.ImageType(16, 16)]
        public MLImage? Image { get; set; }

        // ML.NET saves no schema of pictures alone.
        public string Name { get; set; } = "";
    }
}
