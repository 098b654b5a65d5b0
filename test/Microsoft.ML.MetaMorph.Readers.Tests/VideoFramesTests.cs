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
        TestVideos.RequireTools();
        string video = Path.Combine(Folder, "colours.mp4");
        TestVideos.Write(video, "red", "lime", "blue");
        var log = new List<string>();
        IReadOnlyList<RowImage> frames = VideoFrames.Read(video, new VideoFrameOptions { Log = log.Add });
        Assert.IsEmpty(log);
        CollectionAssert.AreEqual(new[] { $"{video}, second 0", $"{video}, second 1", $"{video}, second 2" }, frames.Select(f => f.Name).ToArray());
        CollectionAssert.AreEqual(new[] { "red", "green", "blue" }, frames.Select(f => TestVideos.Colour(f.ReadBytes())).ToArray());
        IReadOnlyList<RowImage> few = VideoFrames.Read(video, new VideoFrameOptions { MaximumFrames = 2, Log = log.Add });
        Assert.HasCount(2, few);
        CollectionAssert.AreEqual(new[] { $"{video}: 2 of 3 frames are taken (3 seconds at 1 a second), one every 1.5 seconds; MaximumFrames is 2." }, log);
        Assert.AreEqual("green", TestVideos.Colour(few[1].ReadBytes()));
    }

    [TestMethod]
    public void AFileThatIsNoVideoIsRefused()
    {
        TestVideos.RequireTools();
        string file = Path.Combine(Folder, "a.mp4");
        File.WriteAllText(file, "no video");
        StringAssert.StartsWith(Assert.ThrowsExactly<InvalidDataException>(() => VideoFrames.Read(file)).Message, $"{file}: ffprobe cannot read it as a video: ");
    }

    /// <summary>The sound goes on for two seconds behind the last frame.</summary>
    [TestMethod]
    public void WhereTheSoundIsLongerTheLastFrameStays()
    {
        TestVideos.RequireTools();
        string video = Path.Combine(Folder, "held.flv");
        TestVideos.Run(["-f", "lavfi", "-i", "color=red:s=32x16:r=10:d=1", "-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono", "-t", "3", "-c:v", "flv", "-c:a", "adpcm_swf", video]);
        IReadOnlyList<RowImage> frames = VideoFrames.Read(video);
        Assert.IsGreaterThan(2, frames.Count);
        foreach (RowImage frame in frames) Assert.AreEqual("red", TestVideos.Colour(frame.ReadBytes()), frame.Name);
    }

    [TestMethod]
    public void AProblemReadsTheSameEachTime()
    {
        TestVideos.RequireTools();
        string file = Path.Combine(Folder, "a.mp4");
        File.WriteAllText(file, "no video");
        string[] told = [.. Enumerable.Range(0, 3).Select(_ => Assert.ThrowsExactly<InvalidDataException>(() => VideoFrames.Read(file)).Message).Distinct()];
        Assert.HasCount(1, told);
        string named = Path.Combine(Folder, "a\".mp4");
        File.WriteAllText(named, "no video");
        Assert.AreEqual($"the name of the video {named} holds a quotation mark, which cannot be handed to ffmpeg. Give it another name.", Assert.ThrowsExactly<InvalidDataException>(() => VideoFrames.Read(named)).Message);
    }
}
