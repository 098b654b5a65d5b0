namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Small pictures that Pillow 13 wrote, with what it makes of them: <c>resize.FILTER-WxH.png</c> and <c>rgb.NAME.png</c>.</summary>
internal static class PillowPictures
{
    public static string Folder { get; } = Path.Combine(ReferenceFolder.Repository, "test", "Microsoft.ML.MetaMorph.Tests", "Data", "Images", "pillow");

    public static string Of(string name) => Path.Combine(Folder, name);

    public static int LargestDifference(byte[] expected, byte[] actual) => expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();

    /// <summary>A picture of seeded noise.</summary>
    public static RgbImage Noise(int width, int height, int seed)
    {
        byte[] pixels = new byte[width * height * 3];
        new Random(seed).NextBytes(pixels);
        return new RgbImage(width, height, pixels);
    }
}
