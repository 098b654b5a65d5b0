using System.Text;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SiglipImagePreprocessorTests
{
    [TestMethod]
    public void ChannelsComeFirstRescaledAndNormalised()
    {
        var config = new ImagePreprocessorConfig { Height = 1, Width = 2, Mean = [0.5f, 0.25f, 0f], StandardDeviation = [0.5f, 0.25f, 1f] };
        float[] pixels = new SiglipImagePreprocessor(config).Preprocess(new RgbImage(2, 1, [0, 51, 102, 255, 204, 153]));
        float[] expected = [-1f, 1f, (0.2f - 0.25f) / 0.25f, (0.8f - 0.25f) / 0.25f, 0.4f, 0.6f];
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], pixels[i], 1e-6f);
    }

    [TestMethod]
    public void EveryKindOfInputGivesTheSame()
    {
        RgbImage image = ImageDecoder.DecodeFile(PillowPictures.Of("resize.png"));
        var preprocessor = new SiglipImagePreprocessor(new ImagePreprocessorConfig { Height = 20, Width = 28 });
        float[] expected = preprocessor.Preprocess(image);
        byte[] rgba = [.. image.Pixels.Chunk(3).SelectMany((p, i) => (byte[])[p[0], p[1], p[2], (byte)i])];
        byte[] bgra = [.. image.Pixels.Chunk(3).SelectMany((p, i) => (byte[])[p[2], p[1], p[0], (byte)i])];
        using MLImage rgbaImage = MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Rgba32, rgba);
        using MLImage bgraImage = MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Bgra32, bgra);
        CollectionAssert.AreEqual(expected, preprocessor.Preprocess(rgbaImage));
        CollectionAssert.AreEqual(expected, preprocessor.Preprocess(bgraImage));
        CollectionAssert.AreEqual(expected, preprocessor.Preprocess(ImageDecoder.Decode(File.ReadAllBytes(PillowPictures.Of("resize.png")), "row 1")));
        CollectionAssert.AreEqual(expected, preprocessor.PreprocessBatch([image]));
    }

    [TestMethod]
    public void ABatchIsThePicturesOneAfterAnother()
    {
        var preprocessor = new SiglipImagePreprocessor(new ImagePreprocessorConfig { Height = 14, Width = 14 });
        RgbImage[] images = [.. Enumerable.Range(1, 7).Select(i => PillowPictures.Noise(i * 5, 40 - i * 3, i))];
        CollectionAssert.AreEqual(images.SelectMany(image => preprocessor.Preprocess(image)).ToArray(), preprocessor.PreprocessBatch(images));
        Assert.IsEmpty(preprocessor.PreprocessBatch([]));
    }

    [TestMethod]
    public void PadPutsThePictureInTheMiddleOfGrey()
    {
        var preprocessor = new SiglipImagePreprocessor(new ImagePreprocessorConfig { Height = 5, Width = 5, AspectRatio = ImageAspectRatio.Pad });
        byte[] wide = preprocessor.Fit(new RgbImage(5, 2, [.. Enumerable.Repeat((byte)9, 30)])).Pixels;
        byte[] tall = preprocessor.Fit(new RgbImage(2, 5, [.. Enumerable.Repeat((byte)9, 30)])).Pixels;
        for (int y = 0; y < 5; y++)
            for (int x = 0; x < 5; x++)
            {
                // (5 - 2) / 2 = 1: the odd grey line is below, or to the right.
                Assert.AreEqual(y is 1 or 2 ? 9 : 127, wide[(y * 5 + x) * 3]);
                Assert.AreEqual(x is 1 or 2 ? 9 : 127, tall[(y * 5 + x) * 3 + 2]);
            }
    }

    [TestMethod]
    public void APaddedPictureKeepsToTheLimitOfPixels()
    {
        var preprocessor = new SiglipImagePreprocessor(new ImagePreprocessorConfig { AspectRatio = ImageAspectRatio.Pad }, maximumPixels: 1000);
        string message = Assert.ThrowsExactly<InvalidDataException>(() => preprocessor.Preprocess(PillowPictures.Noise(1, 100, 1))).Message;
        StringAssert.Contains(message, "10000");
        StringAssert.Contains(message, "1000.");
    }

    [TestMethod]
    public void AWrongNumberOfBytesNamesBothNumbers()
    {
        string message = Assert.ThrowsExactly<ArgumentException>(() => RgbImage.FromRgba(4, 3, new byte[47])).Message;
        StringAssert.Contains(message, "48");
        StringAssert.Contains(message, "47");
    }

    [TestMethod]
    public void ThePublishedConfigurationIsReadAndWrittenBack()
    {
        const string published = """
            {"do_normalize": true, "do_rescale": true, "do_resize": true, "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor",
             "image_std": [0.5, 0.5, 0.5], "processor_class": "SiglipProcessor", "resample": 3, "rescale_factor": 0.00392156862745098, "size": {"height": 384, "width": 384}}
            """;
        ImagePreprocessorConfig config = Parse(published);
        Assert.AreEqual((384, 384, ResampleFilter.Bicubic, false), (config.Height, config.Width, config.Resample, config.Naflex));
        Assert.AreEqual(1.0 / 255, config.RescaleFactor, 1e-17);
        ImagePreprocessorConfig again = Parse(Written(config));
        Assert.AreEqual(Written(config), Written(again));
        Assert.AreEqual(Written(config with { AspectRatio = ImageAspectRatio.Pad }), Written(Parse(Written(config with { AspectRatio = ImageAspectRatio.Pad }))));
    }

    [TestMethod]
    public void TheNaflexConfigurationIsRead()
    {
        ImagePreprocessorConfig config = Parse("""{"image_processor_type": "Siglip2ImageProcessor", "max_num_patches": 512, "patch_size": 14, "do_convert_rgb": null, "image_std": 0.5}""");
        Assert.AreEqual((true, 14, 512, ResampleFilter.Bilinear), (config.Naflex, config.PatchSize, config.MaximumPatches, config.Resample));
        Assert.AreEqual(Written(config), Written(Parse(Written(config))));
    }

    [TestMethod]
    [DataRow("""[]""", "object")]
    [DataRow("""{}""", "'size' is missing")]
    [DataRow("""{"size": {"shortest_edge": 224}}""", "needs both 'height' and 'width'")]
    [DataRow("""{"size": {"height": 0, "width": 3}}""", "size.height")]
    [DataRow("""{"size": 5, "image_mean": [1, 2]}""", "'image_mean' has 2 values; 3 are needed")]
    [DataRow("""{"size": 5, "image_std": [0, 0, 0]}""", "'image_std'")]
    [DataRow("""{"size": 5, "resample": 9}""", "'resample' is 9")]
    [DataRow("""{"size": 5, "image_processor_type": "CLIPImageProcessor"}""", "CLIPImageProcessor")]
    [DataRow("""{"size": 5, "image_aspect_ratio": "anyres"}""", "anyres")]
    [DataRow("""{"size": 5, "do_resize": 1}""", "'do_resize' is 1")]
    public void AWrongConfigurationNamesFileAndField(string json, string part)
    {
        string message = Assert.ThrowsExactly<InvalidDataException>(() => Parse(json)).Message;
        StringAssert.StartsWith(message, "folder/preprocessor_config.json: ");
        StringAssert.Contains(message, part);
    }

    private static ImagePreprocessorConfig Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return ImagePreprocessorConfig.FromJson(document.RootElement, "folder/preprocessor_config.json");
    }

    private static string Written(ImagePreprocessorConfig config)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) config.Write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
