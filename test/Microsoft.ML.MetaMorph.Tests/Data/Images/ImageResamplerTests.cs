using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ImageResamplerTests
{
    public static IEnumerable<object[]> Resized() => Directory.GetFiles(PillowPictures.Folder, "resize.*-*.png").Order(StringComparer.Ordinal).Select(f => new object[] { Path.GetFileName(f) });

    [TestMethod]
    [DynamicData(nameof(Resized))]
    public void GivesThePixelsOfPillow(string file)
    {
        RgbImage expected = ImageDecoder.DecodeFile(PillowPictures.Of(file));
        var filter = Enum.Parse<ResampleFilter>(file.Split('.')[1].Split('-')[0], ignoreCase: true);
        RgbImage source = ImageDecoder.DecodeFile(PillowPictures.Of("resize.png"));
        foreach (bool vectorized in (bool[])[true, false])
            CollectionAssert.AreEqual(expected.Pixels, ImageResampler.Resize(source, expected.Width, expected.Height, filter, vectorized).Pixels, $"{file}, vectorized {vectorized}");
    }

    /// <summary>The fast path and the plain path against the definition in double precision, rounded between the passes as Pillow rounds.</summary>
    [TestMethod]
    public void FastPathEqualsPlainPathAndTheDefinition()
    {
        var cases = from sizes in Gen.Choose(1, 40).Four()
                    from seed in Gen.Choose(0, int.MaxValue - 1)
                    from filter in Gen.Elements(ResampleFilter.Lanczos, ResampleFilter.Bilinear, ResampleFilter.Bicubic, ResampleFilter.Box, ResampleFilter.Hamming)
                    select (sizes, seed, filter);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            RgbImage image = PillowPictures.Noise(c.sizes.Item1, c.sizes.Item2, c.seed);
            byte[] fast = ImageResampler.Resize(image, c.sizes.Item3, c.sizes.Item4, c.filter).Pixels;
            byte[] plain = ImageResampler.Resize(image, c.sizes.Item3, c.sizes.Item4, c.filter, vectorized: false).Pixels;
            bool columnsFirst = c.sizes.Item4 < c.sizes.Item2 && c.sizes.Item2 - c.sizes.Item4 > 2 * (c.sizes.Item1 - c.sizes.Item3);
            byte[] defined = (columnsFirst
                ? Rows(Transposed(Rows(Transposed(image), c.sizes.Item4, c.filter)), c.sizes.Item3, c.filter)
                : Transposed(Rows(Transposed(Rows(image, c.sizes.Item3, c.filter)), c.sizes.Item4, c.filter))).Pixels;
            // A sum that is half a level in the first pass may fall to the other side than in double precision, and the second pass rounds once more. (Pillow's own bytes are compared exactly.)
            return fast.SequenceEqual(plain) && PillowPictures.LargestDifference(defined, fast) <= 2;
        }).QuickCheckThrowOnFailure();
    }

    [TestMethod]
    public void OneColourStaysThatColour()
    {
        var image = new RgbImage(31, 17, [.. Enumerable.Range(0, 31 * 17).SelectMany(_ => (byte[])[3, 128, 255])]);
        foreach (ResampleFilter filter in Enum.GetValues<ResampleFilter>())
            foreach ((int width, int height) in ((int, int)[])[(7, 50), (200, 3), (31, 9), (40, 17)])
                CollectionAssert.AreEqual(Enumerable.Range(0, width * height).SelectMany(_ => (byte[])[3, 128, 255]).ToArray(), ImageResampler.Resize(image, width, height, filter).Pixels, $"{filter} {width}x{height}");
    }

    [TestMethod]
    public void TheSameSizeIsNotTouched()
    {
        RgbImage image = PillowPictures.Noise(8, 9, 1);
        Assert.AreSame(image, ImageResampler.Resize(image, 8, 9, ResampleFilter.Bicubic));
    }

    /// <summary>Rows first would stretch this picture to 384 million pixels.</summary>
    [TestMethod]
    public void AnEndlesslyNarrowPictureNeedsNoMorePixelsThanItHas()
    {
        var image = new RgbImage(1, 1_000_000, new byte[3_000_000]);
        Assert.AreEqual((384, 384), (ImageResampler.Resize(image, 384, 384, ResampleFilter.Bicubic).Width, 384));
    }

    /// <summary>One axis by the formula, in double precision.</summary>
    private static RgbImage Rows(RgbImage image, int width, ResampleFilter filter)
    {
        if (width == image.Width) return image;
        double scale = (double)image.Width / width, wide = Math.Max(scale, 1), support = Radius(filter) * wide;
        byte[] pixels = new byte[width * image.Height * 3];
        for (int x = 0; x < width; x++)
        {
            double center = (x + 0.5) * scale;
            int low = Math.Max((int)(center - support + 0.5), 0), high = Math.Min((int)(center + support + 0.5), image.Width);
            double[] weights = [.. Enumerable.Range(low, high - low).Select(i => Weight(filter, (i - center + 0.5) / wide))];
            for (int y = 0; y < image.Height; y++)
                for (int channel = 0; channel < 3; channel++)
                {
                    double sum = weights.Select((weight, i) => weight / weights.Sum() * image.Pixels[(y * image.Width + low + i) * 3 + channel]).Sum();
                    pixels[(y * width + x) * 3 + channel] = (byte)Math.Clamp(Math.Floor(sum + 0.5), 0, 255);
                }
        }
        return new RgbImage(width, image.Height, pixels);
    }

    private static RgbImage Transposed(RgbImage image) => EncodedOrientation.Apply(image, SkiaSharp.SKEncodedOrigin.LeftTop);

    private static double Radius(ResampleFilter filter) => filter switch { ResampleFilter.Box => 0.5, ResampleFilter.Bicubic => 2, ResampleFilter.Lanczos => 3, _ => 1 };

    private static double Weight(ResampleFilter filter, double x)
    {
        double d = Math.Abs(x);
        double Sinc(double v) => v == 0 ? 1 : Math.Sin(Math.PI * v) / (Math.PI * v);
        return filter switch
        {
            ResampleFilter.Box => x > -0.5 && x <= 0.5 ? 1 : 0,
            ResampleFilter.Bilinear => d < 1 ? 1 - d : 0,
            ResampleFilter.Hamming => d < 1 ? Sinc(d) * (0.54 + 0.46 * Math.Cos(Math.PI * d)) : 0,
            ResampleFilter.Bicubic => d < 1 ? 1.5 * d * d * d - 2.5 * d * d + 1 : d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0,
            _ => d < 3 ? Sinc(d) * Sinc(d / 3) : 0,
        };
    }
}
