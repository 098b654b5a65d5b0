using System.Globalization;
using System.Security.Cryptography;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Drawn pixels as pictures of ML.NET and as files.</summary>
internal static class DrawnPicture
{
    private const int HashCharacters = 16;

    /// <summary>A picture of its own.</summary>
    public static MLImage ToMLImage(RgbImage image)
    {
        byte[] pixels = new byte[image.Width * image.Height * 4];
        for (int from = 0, to = 0; to < pixels.Length; from += 3, to += 4)
        {
            pixels[to] = image.Pixels[from + 2];
            pixels[to + 1] = image.Pixels[from + 1];
            pixels[to + 2] = image.Pixels[from];
            pixels[to + 3] = byte.MaxValue;
        }

        return MLImage.CreateFromPixels(image.Width, image.Height, MLPixelFormat.Bgra32, pixels);
    }

    /// <summary>Writes a PNG file that is named after its pixels: the same picture has the same file, and no other is overwritten.</summary>
    /// <returns>The path.</returns>
    /// <exception cref="IOException">The file cannot be written; the path is named.</exception>
    public static string Write(RgbImage image, string folder)
    {
        string hash = Convert.ToHexStringLower(SHA256.HashData(image.Pixels))[..HashCharacters];
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{image.Width}x{image.Height}-{hash}.png"));
        if (!File.Exists(path)) Save(image, path);
        return path;
    }

    /// <summary>Writes a PNG file, which appears whole or not at all; its folder is made where it does not exist.</summary>
    /// <exception cref="IOException">The file cannot be written; the path is named.</exception>
    public static void Save(RgbImage image, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string temporary = Path.Combine(folder, $"{Guid.NewGuid():N}.tmp.png");
        using (MLImage picture = ToMLImage(image)) picture.Save(temporary);
        File.Move(temporary, path, overwrite: true);
    }
}
