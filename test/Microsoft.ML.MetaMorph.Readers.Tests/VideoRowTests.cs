using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Readers.Tests;

/// <summary>Video files as rows, through ffmpeg.</summary>
[TestClass]
public sealed class VideoRowTests : ParquetFiles
{
    [TestMethod]
    public void AFolderOfVideosBecomesRowsWithFramesAsPictures()
    {
        TestVideos.RequireTools();
        TestVideos.Write(Path.Combine(Folder, "a.mp4"), "red", "lime", "blue");
        TestVideos.Write(Path.Combine(Folder, "b.mp4"), "blue", "red");
        File.WriteAllText(Path.Combine(Folder, "c.mp4"), "no video");
        File.WriteAllText(Path.Combine(Folder, "a.txt"), "Three colours");
        File.WriteAllText(Path.Combine(Folder, "b.json"), """{"question": "<video>\nWhich colours?", "answer": "Blue and red."}""");
        File.WriteAllText(Path.Combine(Folder, "c.txt"), "Nothing");
        var context = new MLContext();
        var log = new List<string>();
        context.Log += (_, entry) => log.Add(entry.RawMessage);
        var options = new RowViewOptions { SkipBadRows = true, MaximumImages = 2, SeveralTurns = false };
        IDataView view = context.MetaMorph().Data.Load(context.MetaMorph().Data.Videos(Folder, new VideoFrameOptions { MaximumFrames = 2 }), options);
        for (int pass = 0; pass < 2; pass++)
        {
            CollectionAssert.AreEqual(new[] { "<image><image>\nDescribe the video.", "<image><image>\nWhich colours?" }, view.GetColumn<string>("Prompt").ToArray());
            CollectionAssert.AreEqual(new[] { "Three colours", "Blue and red." }, view.GetColumn<string>("Response").ToArray());
            CollectionAssert.AreEqual(new[] { "red", "blue" }, Colours(view, "Image"));
            // Of three seconds two frames are taken, at 0 and at 1.5.
            CollectionAssert.AreEqual(new[] { "green", "red" }, Colours(view, "Image2"));
        }

        string video = Path.Combine(Folder, "a.mp4");
        CollectionAssert.AreEqual(new[] { $"{video}: 2 of 3 frames are taken (3 seconds at 1 a second), one every 1.5 seconds; MaximumFrames is 2." }, log.Where(message => message.StartsWith(video, StringComparison.Ordinal)).ToArray());
        SkippedRow skipped = options.Skipped.ToList().Single();
        Assert.AreEqual(new RowPlace(Path.Combine(Folder, "c.mp4"), 0), skipped.Place);
        StringAssert.StartsWith(skipped.Reason, $"{Path.Combine(Folder, "c.mp4")}: ffprobe cannot read it as a video: ");
    }

    [TestMethod]
    public void FramesCanBeAskedForInsteadOfTexts()
    {
        TestVideos.RequireTools();
        TestVideos.Write(Path.Combine(Folder, "a.mp4"), "red", "lime", "blue");
        InstructionRow row = new MLContext().MetaMorph().Data.Videos(Path.Combine(Folder, "a.mp4"), rows: new VideoFileOptions { FrameTasks = new FrameFolderOptions { Tasks = [FrameTask.Next] } }).Read().Single().Row!;
        Assert.AreEqual("<image><image>\nDraw the next frame of this video.", row.Prompts[0]);
        CollectionAssert.AreEqual(new[] { "red", "green", "blue" }, row.Images.Select(image => TestVideos.Colour(image.ReadBytes())).ToArray());
    }

    [TestMethod]
    public void MissingToolsAreToldOnceBeforeAnythingIsRead()
    {
        Assert.AreEqual($"Videos are read by ffmpeg and ffprobe, and 'ffmpeg' is not in '{Folder}'. Install them (apt-get install ffmpeg, brew install ffmpeg, winget install ffmpeg), or name their folder with VideoFrameOptions.BinaryFolder.",
            Assert.ThrowsExactly<FileNotFoundException>(() => new MLContext().MetaMorph().Data.Videos(Folder, new VideoFrameOptions { BinaryFolder = Folder })).Message);
    }

    private static string[] Colours(IDataView view, string column) => [.. view.GetColumn<VBuffer<byte>>(column).Select(bytes => TestVideos.Colour(bytes.DenseValues().ToArray()))];
}
