using System.Diagnostics;

namespace Microsoft.ML.MetaMorph.Readers.Tests;

/// <summary>Videos of 32 by 16 pixels, of one second of each colour.</summary>
internal static class TestVideos
{
    public static void RequireTools()
    {
        if (FfmpegTools.AreThere()) return;
        Console.WriteLine("skipped: ffmpeg and ffprobe are not on the PATH of this machine");
        Assert.Inconclusive("ffmpeg and ffprobe are not on the PATH of this machine");
    }

    public static void Write(string file, params string[] colours)
        => Run([.. colours.SelectMany(colour => new[] { "-f", "lavfi", "-i", $"color={colour}:s=32x16:r=10:d=1" }), "-filter_complex", $"{string.Concat(colours.Select((_, i) => $"[{i}]"))}concat=n={colours.Length}:v=1:a=0", "-pix_fmt", "yuv420p", file]);

    public static string Colour(byte[] png)
    {
        using SkiaSharp.SKBitmap picture = SkiaSharp.SKBitmap.Decode(png);
        Assert.AreEqual((32, 16), (picture.Width, picture.Height));
        SkiaSharp.SKColor middle = picture.GetPixel(16, 8);
        return middle.Red > 200 ? "red" : middle.Green > 200 ? "green" : middle.Blue > 200 ? "blue" : middle.ToString();
    }

    public static void Run(string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ffmpeg", ["-y", "-loglevel", "error", .. arguments]) { RedirectStandardError = true })!;
        string told = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, told);
    }
}
