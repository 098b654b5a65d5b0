using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Pictures of 320×240 pixels, each another gradient.</summary>
internal static class SamplePictures
{
    public const int Width = 320, Height = 240;

    public static RgbImage Rgb(int number)
    {
        var pixels = new byte[Width * Height * 3];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = Value(number, i / 3 % Width, i / 3 / Width, i % 3);
        return new RgbImage(Width, Height, pixels);
    }

    public static MLImage Image(int number)
    {
        var pixels = new byte[Width * Height * 4];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = i % 4 == 3 ? (byte)255 : Value(number, i / 4 % Width, i / 4 / Width, i % 4);
        return MLImage.CreateFromPixels(Width, Height, MLPixelFormat.Rgba32, pixels);
    }

    private static byte Value(int number, int x, int y, int channel) => (byte)((x * (channel + 1) + y * (3 - channel) + 29 * number) % 256);
}
