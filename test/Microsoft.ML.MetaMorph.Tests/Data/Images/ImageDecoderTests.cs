using System.Buffers.Binary;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ImageDecoderTests
{
    public static IEnumerable<object[]> Pictures() => Directory.GetFiles(PillowPictures.Folder, "decode.*").Order(StringComparer.Ordinal).Select(f => new object[] { Path.GetFileName(f) });

    [TestMethod]
    [DynamicData(nameof(Pictures))]
    public void GivesThePixelsOfPillow(string file)
    {
        RgbImage expected = ImageDecoder.DecodeFile(PillowPictures.Of("rgb." + file["decode.".Length..] + ".png"));
        RgbImage actual = ImageDecoder.DecodeFile(PillowPictures.Of(file));
        Assert.AreEqual((expected.Width, expected.Height), (actual.Width, actual.Height), file);
        // JPEG decoders may round differently; every other format is exact.
        int allowed = file.EndsWith(".jpg", StringComparison.Ordinal) ? 2 : 0;
        Assert.IsLessThanOrEqualTo(allowed, PillowPictures.LargestDifference(expected.Pixels, actual.Pixels), file);
    }

    /// <summary>A file that takes no room on the disk and would take all memory, and a device that never ends.</summary>
    [TestMethod]
    public void NoMoreIsReadThanAPictureCanHave()
    {
        using var folder = new ScratchFolder();
        using (FileStream file = File.Create(folder["huge.png"])) file.SetLength(1L << 40);
        Assert.AreEqual(
            $"{folder["huge.png"]}: the file has 1099511627776 bytes, more than the limit of 1073741820; a picture of so many is to be shrunk.",
            Assert.ThrowsExactly<InvalidDataException>(() => ImageDecoder.DecodeFile(folder["huge.png"])).Message);
        if (File.Exists("/dev/zero"))
            Assert.AreEqual("/dev/zero: the picture is empty (0 bytes).", Assert.ThrowsExactly<InvalidDataException>(() => ImageDecoder.DecodeFile("/dev/zero")).Message);
    }

    [TestMethod]
    public void BytesAndPathsGiveTheSame()
    {
        string path = PillowPictures.Of("decode.turned.jpg");
        CollectionAssert.AreEqual(ImageDecoder.DecodeFile(path).Pixels, ImageDecoder.Decode(File.ReadAllBytes(path), "row 3").Pixels);
    }

    [TestMethod]
    public void EveryOrientationIsUndone()
    {
        RgbImage upright = PillowPictures.Noise(5, 3, 11);
        for (int orientation = 1; orientation <= 8; orientation++)
        {
            RgbImage stored = EncodedOrientation.Apply(upright, Inverse((SKEncodedOrigin)orientation));
            RgbImage read = ImageDecoder.Decode(WithExif(Png(stored), orientation), "picture");
            Assert.AreEqual((upright.Width, upright.Height), (read.Width, read.Height), $"orientation {orientation}");
            CollectionAssert.AreEqual(upright.Pixels, read.Pixels, $"orientation {orientation}");
        }
    }

    [TestMethod]
    public void AMalformedExifChunkMeansNotTurned()
    {
        RgbImage image = PillowPictures.Noise(5, 3, 12);
        foreach (byte[] exif in (byte[][])[[], [1], "II*\0"u8.ToArray(), [.. "II*\0"u8, 255, 255, 255, 127, 0, 0], [.. "MM\0*"u8, 0, 0, 0, 8, 255, 255]])
            CollectionAssert.AreEqual(image.Pixels, ImageDecoder.Decode(WithChunk(Png(image), exif), "picture").Pixels);
    }

    [TestMethod]
    public void TheSourceAndTheReasonAreNamed()
    {
        byte[] png = File.ReadAllBytes(PillowPictures.Of("resize.png"));
        Fails([], "row 7", "0 bytes");
        Fails("version https://git-lfs.github.com/spec/v1\n"u8.ToArray(), "row 7", "Git LFS pointer");
        Fails("<html><body>404</body></html>"u8.ToArray(), "row 7", "<html><body>404<");
        Fails([0, 0, 5, 5, 1, 2, 3, 4, 5, 6, 7], "row 7", "not a readable PNG");
        Fails(png[..(png.Length / 2)], "row 7", "cut off", "37x23");
        Fails([.. png[..12], .. "ABCD"u8, .. png[16..]], "row 7");
    }

    [TestMethod]
    public void APictureThatIsTooLargeIsRefusedFromItsHeader()
    {
        // The header alone claims 60000 x 50000; there are no pixels behind it.
        byte[] png = Png(PillowPictures.Noise(4, 4, 1));
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 60000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 50000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc32(png.AsSpan(12, 17)));
        Fails(png, "row 7", "60000x50000", "3000000000", ImageDecoder.DefaultMaximumPixels.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => ImageDecoder.DecodeFile(PillowPictures.Of("resize.png"), maximumPixels: 850));
        Assert.AreEqual($"{PillowPictures.Of("resize.png")}: the picture has 37x23 = 851 pixels, more than the limit of 850. Shrink it.", failure.Message);
    }

    [TestMethod]
    public void MissingFilesAndFoldersAreNamed()
    {
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => ImageDecoder.DecodeFile("no/such.png")).Message, "no/such.png");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ImageDecoder.DecodeFile(PillowPictures.Folder)).Message, "folder");
    }

    /// <summary>Whatever bytes a picture is damaged in, it decodes or fails with the one exception.</summary>
    [TestMethod]
    public void DamagedPicturesFailInOneWay()
    {
        var random = new Random(5);
        foreach (string path in Directory.GetFiles(PillowPictures.Folder, "decode.*"))
            for (int trial = 0; trial < 25; trial++)
            {
                byte[] bytes = File.ReadAllBytes(path);
                for (int i = 0; i < 4; i++) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                if (trial % 3 == 0) bytes = bytes[..random.Next(bytes.Length)];
                try
                {
                    ImageDecoder.Decode(bytes, "damaged", maximumPixels: 1_000_000);
                }
                catch (InvalidDataException failure)
                {
                    StringAssert.StartsWith(failure.Message, "damaged: ");
                }
            }
    }

    private static void Fails(byte[] encoded, params string[] parts)
    {
        var failure = Assert.ThrowsExactly<InvalidDataException>(() => ImageDecoder.Decode(encoded, "row 7"));
        foreach (string part in parts) StringAssert.Contains(failure.Message, part);
    }

    private static SKEncodedOrigin Inverse(SKEncodedOrigin origin) => origin switch
    {
        SKEncodedOrigin.RightTop => SKEncodedOrigin.LeftBottom,
        SKEncodedOrigin.LeftBottom => SKEncodedOrigin.RightTop,
        _ => origin,
    };

    private static unsafe byte[] Png(RgbImage image)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int i = 0; i < image.Width * image.Height; i++)
            bitmap.SetPixel(i % image.Width, i / image.Width, new SKColor(image.Pixels[i * 3], image.Pixels[i * 3 + 1], image.Pixels[i * 3 + 2]));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static byte[] WithExif(byte[] png, int orientation) =>
        WithChunk(png, [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0]);

    /// <summary>The check sum of a PNG chunk.</summary>
    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint sum = uint.MaxValue;
        foreach (byte value in bytes)
        {
            sum ^= value;
            for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ ((sum & 1) * 0xEDB88320u);
        }
        return ~sum;
    }

    /// <summary>Puts an eXIf chunk right after the header.</summary>
    private static byte[] WithChunk(byte[] png, byte[] content)
    {
        const int headerEnd = 33;
        byte[] body = [.. "eXIf"u8, .. content], length = new byte[4], check = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(check, Crc32(body));
        return [.. png[..headerEnd], .. length, .. body, .. check, .. png[headerEnd..]];
    }
}
