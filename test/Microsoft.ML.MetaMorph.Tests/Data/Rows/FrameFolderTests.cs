namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Videos as folders of frames.</summary>
[TestClass]
public sealed class FrameFolderTests : FolderTests
{
    [TestMethod]
    [DataRow(FrameTask.Next, "<image><image><image>\nDraw the next frame of this video.", "1 4 7 10", 3)]
    [DataRow(FrameTask.Previous, "<image><image><image>\nDraw the frame in front of these frames of a video.", "4 7 10 1", 3)]
    public void FramesAreSpreadOverTheVideo(FrameTask task, string prompt, string frames, int shown)
    {
        InstructionRow row = Rows(10, new FrameFolderOptions { Tasks = [task] }).Single().Row!;
        Assert.AreEqual(prompt, row.Prompts.Single());
        Assert.AreEqual("<image>", row.Responses.Single());
        Assert.AreEqual(frames, Frames(row));
        Assert.AreEqual((shown, $"Video{task}"), (row.PromptImageCount, row.Kind));
    }

    [TestMethod]
    public void AMissingFrameIsOneBetweenTheOthers()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            InstructionRow row = Rows(5, new FrameFolderOptions { Tasks = [FrameTask.Missing], MaximumFrames = 5, Seed = seed }).Single().Row!;
            string[] frames = Frames(row).Split(' ');
            int missing = int.Parse(frames[^1]);
            Assert.IsTrue(missing is > 1 and < 5, $"{missing}");
            Assert.AreEqual($"<image><image><image><image>\nFrame {missing} of 5 of this video is missing. Draw it.", row.Prompts[0]);
            CollectionAssert.AreEqual(Enumerable.Range(1, 5).Where(i => i != missing).Select(i => $"{i}").ToArray(), frames[..^1]);
        }
    }

    [TestMethod]
    public void AnOrderIsWrongBeforeItIsRight()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            InstructionRow row = Rows(2, new FrameFolderOptions { Tasks = [FrameTask.Reorder], Seed = seed }).Single().Row!;
            Assert.AreEqual("2 1 1 2", Frames(row));
            Assert.AreEqual(("<image><image>\nDraw these frames of a video in their right order.", "<image><image>"), (row.Prompts[0], row.Responses[0]));
        }
    }

    [TestMethod]
    public void TasksAreTakenInTurnAndVideosThatAreTooShortAreTold()
    {
        foreach ((string video, int frames) in new[] { ("a", 3), ("b", 2), ("c", 3), ("d", 1) })
        {
            for (int i = 1; i <= frames; i++) Folder.Write($"{video}/{i}.png", [1]);
        }

        RowReading[] rows = [.. Source(new FrameFolderOptions { Tasks = [FrameTask.Next, FrameTask.Missing] }).Read()];
        Assert.AreEqual("VideoNext", rows[0].Row!.Kind);
        Assert.AreEqual($"{Folder["b"]}: the video has 2 frames; the task Missing needs 3. Take it out, or leave the task out of FrameFolderOptions.Tasks.", $"{rows[1].Place}: {rows[1].Problem}");
        Assert.AreEqual("VideoNext", rows[2].Row!.Kind);
        Assert.AreEqual("the video has 1 frames; the task Missing needs 3. Take it out, or leave the task out of FrameFolderOptions.Tasks.", rows[3].Problem);
    }

    private static string Frames(InstructionRow row) => string.Join(' ', row.Images.Select(image => Path.GetFileNameWithoutExtension(image.Path)));

    private RowSource Source(FrameFolderOptions options) => new MLContext().MetaMorph().Data.FrameFolders(Folder.Path, options);

    private RowReading[] Rows(int frames, FrameFolderOptions options)
    {
        for (int i = 1; i <= frames; i++) Folder.Write($"video/{i}.png", [1]);
        return [.. Source(options).Read()];
    }
}
