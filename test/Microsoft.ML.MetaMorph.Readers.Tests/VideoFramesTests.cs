using System.Diagnostics;

namespace Microsoft.ML.MetaMorph.Readers.Tests;

[TestClass]
public sealed class VideoFramesTests : ParquetFiles
{
    [TestMethod]
    [DataRow(3.0, 1.0, 32, "0 1 2", 3)]
    [DataRow(3.2, 1.0, 32, "0 1 2 3", 4)]
    [DataRow(0.4, 1.0, 32, "0", 1)]
    [DataRow(2.0, 2.0, 32, "0 0.5 1 1.5", 4)]
    [DataRow(100.0, 1.0, 4, "0 25 50 75", 100)]
    public void FramesAreSpreadOverTheVideo(double seconds, double pace, int most, string expected, int expectedAll)
    {
        double[] times = VideoFrames.Times(seconds, pace, most, out int all);
        Assert.AreEqual(expected, string.Join(' ', times.Select(t => t.ToString(System.Globalization.CultureInfo.InvariantCulture))));
        Assert.AreEqual(expectedAll, all);
    }

    [TestMethod]
    public void MissingToolsAreExplained()
    {
        string video = Path.Combine(Folder, "a.mp4");
        File.WriteAllBytes(video, [1]);
        Assert.AreEqual($"Videos are read by ffmpeg and ffprobe, and 'ffmpeg' is not in '{Folder}'. Install them (apt-get install ffmpeg, brew install ffmpeg, winget install ffmpeg), or name their folder with VideoFrameOptions.BinaryFolder.",
            Assert.ThrowsExactly<FileNotFoundException>(() => VideoFrames.Read(video, new VideoFrameOptions { BinaryFolder = Folder })).Message);
        StringAssert.Contains(Assert.ThrowsExactly<FileNotFoundException>(() => FfmpegTools.Require(null, _ => Folder)).Message, "'ffmpeg' is not on the PATH.");
        Assert.AreEqual($"{Folder}/no.mp4: there is no such video (looked in {Folder}/no.mp4).", Assert.ThrowsExactly<FileNotFoundException>(() => VideoFrames.Read($"{Folder}/no.mp4")).Message);
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VideoFrames.Read(video, new VideoFrameOptions { FramesPerSecond = double.NaN })).Message, "FramesPerSecond must be above 0 and at most 1000.");
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => VideoFrames.Read(video, new VideoFrameOptions { MaximumFrames = 0 })).Message, "MaximumFrames must be 1 to 1024.");
    }

    /// <summary>A red second, a green one and a blue one.</summary>
    [TestMethod]
    public void FramesOfAVideoAreDecoded()
    {
        RequireTools();
        string video = Path.Combine(Folder, "colours.mp4");
        Run("-f", "lavfi", "-i", "color=red:s=32x16:r=10:d=1", "-f", "lavfi", "-i", "color=lime:s=32x16:r=10:d=1", "-f", "lavfi", "-i", "color=blue:s=32x16:r=10:d=1", "-filter_complex", "[0][1][2]concat=n=3:v=1:a=0", "-pix_fmt", "yuv420p", video);
        var log = new List<string>();
        IReadOnlyList<RowImage> frames = VideoFrames.Read(video, new VideoFrameOptions { Log = log.Add });
        Assert.IsEmpty(log);
        CollectionAssert.AreEqual(new[] { $"{video}, second 0", $"{video}, second 1", $"{video}, second 2" }, frames.Select(f => f.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "red", "green", "blue" }, frames.Select(f => Colour(f.ReadBytes())).ToArray());
        IReadOnlyList<RowImage> few = VideoFrames.Read(video, new VideoFrameOptions { MaximumFrames = 2, Log = log.Add });
        Assert.HasCount(2, few);
        CollectionAssert.AreEqual(new[] { $"{video}: 2 of 3 frames are taken (3 seconds at 1 a second), one every 1.5 seconds; MaximumFrames is 2." }, log);
        Assert.AreEqual("green", Colour(few[1].ReadBytes()));
    }

    [TestMethod]
    public void AFileThatIsNoVideoIsRefused()
    {
        RequireTools();
        string file = Path.Combine(Folder, "a.mp4");
        File.WriteAllText(file, "no video");
        StringAssert.StartsWith(Assert.ThrowsExactly<InvalidDataException>(() => VideoFrames.Read(file)).Message, $"{file}: ffprobe cannot read it as a video: ");
    }

    private static string Colour(byte[] png)
    {
        using SkiaSharp.SKBitmap picture = SkiaSharp.SKBitmap.Decode(png);
        Assert.AreEqual((32, 16), (picture.Width, picture.Height));
        SkiaSharp.SKColor middle = picture.GetPixel(16, 8);
        return middle.Red > 200 ? "red" : middle.Green > 200 ? "green" : middle.Blue > 200 ? "blue" : middle.ToString();
    }

    private static void RequireTools()
    {
        if (FfmpegTools.AreThere()) return;
        Console.WriteLine("skipped: ffmpeg and ffprobe are not on the PATH of this machine");
        Assert.Inconclusive("ffmpeg and ffprobe are not on the PATH of this machine");
    }

    private static void Run(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ffmpeg", ["-y", "-loglevel", "error", .. arguments]) { RedirectStandardError = true })!;
        string told = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, told);
    }
}
