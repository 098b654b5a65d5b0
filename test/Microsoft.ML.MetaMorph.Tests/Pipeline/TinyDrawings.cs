using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A visualizer of a few weights, rows for it, and what the sampler draws of one of their pictures alone.</summary>
internal static class TinyDrawings
{
    /// <summary>Pixels of a side, and values of a picture's visual tokens: 16 of width 12.</summary>
    public const int Side = 16, PictureLength = 192;

    public static VisualizerConfig Config { get; } = TinyDiffusion.Pixels with { UNet = TinyDiffusion.Pixels.UNet with { SampleSize = [Side / 4] } };

    public static ImageGenerationOptions Quick => new() { Steps = 4, GuidanceScale = 2, Strength = 0.5, Seed = 5 };

    public static Visualizer Open() => new(new Lease<DrawingModel>(new DrawingModel(Config, new DrawingModelSettings(Precision.Float32), _ => Fresh(), storage: null)));

    public static VisualizerModel Fresh() => new(Config, TinyDiffusion.Fresh());

    /// <summary>A picture of a row, drawn by the sampler without a pipeline, a batch or the row's other pictures.</summary>
    public static byte[] Alone(VisualizerModel model, TokenRow row, int picture)
    {
        using var scope = NewDisposeScope();
        var sampler = new PictureSampler(model, model.Codec(), Config.Scheduler!);
        Tensor? start = row.Start is { } image ? full([1, 3, Side, Side], image.Pixels[0] / 255f) : null;
        Tensor? negative = row.Negative.Length == 0 ? null : Part(row.Negative);
        using Tensor drawn = sampler.Draw(Part(row.Tokens), [5 + picture], Quick, start, negative);
        return PicturePixels.ToImages(drawn)[0].Pixels;

        Tensor Part(float[] values) => tensor(values[(picture * PictureLength)..((picture + 1) * PictureLength)], [1, 16, 12]);
    }

    /// <summary>The same but for the rounding to whole grey levels: sums of a batch are rounded otherwise than those of one row.</summary>
    public static void AssertClose(byte[] expected, byte[] actual, string what)
    {
        Assert.HasCount(Side * Side * 3, actual, what);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], 1.01, $"{what}, byte {i}");
    }

    /// <summary>The bytes of the present row's picture; none where it has no picture.</summary>
    public static byte[] Pixels(ValueGetter<MLImage> getter)
    {
        MLImage picture = null!;
        getter(ref picture);
        using (picture) return picture is null ? [] : RgbImage.FromMLImage(picture).Pixels;
    }

    /// <summary>Visual tokens of some pictures.</summary>
    public static float[] Values(Random random, int pictures) => [.. Enumerable.Range(0, pictures * PictureLength).Select(_ => random.NextSingle() * 4 - 2)];

    /// <summary>A picture of one grey.</summary>
    public static MLImage Grey(byte value)
    {
        byte[] pixels = new byte[Side * Side * 4];
        pixels.AsSpan().Fill(value);
        for (int i = 3; i < pixels.Length; i += 4) pixels[i] = byte.MaxValue;
        return MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Bgra32, pixels);
    }

    public sealed record TokenRow
    {
        [VectorType(0, 16, 12)]
        public float[] Tokens { get; set; } = [];

        [VectorType(0, 16, 12)]
        public float[] Negative { get; set; } = [];

        [ImageType(Side, Side)]
        public MLImage? Start { get; set; }

        /// <summary>What went wrong where the tokens were made.</summary>
        public string Before { get; set; } = "";
    }
}
