namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Video files and their texts as rows; the frames come from a reader that is made up.</summary>
[TestClass]
public sealed class VideoFileTests : FolderTests
{
    [TestMethod]
    public void CaptionsLieBesideTheVideosOfAFolder()
    {
        Folder.Write("b.mp4", [3]);
        Folder.Write("b.caption", "Two cats");
        Folder.Write("a.MKV", [2]);
        Folder.Write("a.txt", "A dog\n");
        Folder.Write("inner/c.webm", [1]);
        Folder.Write("inner/c.json", """{"question": "What is it?", "answer": "A bird."}""");
        Folder.Write("picture.png", [1]);
        RowReading[] readings = [.. Source(Folder.Path, new VideoFileOptions { DescribePrompts = ["<video>\nDescribe the video.", "Tell: <video>"] }).Read()];
        CollectionAssert.AreEqual(new string?[] { null, null, null }, readings.Select(r => r.Problem).ToArray());
        CollectionAssert.AreEqual(new[] { Folder["a.MKV"], Folder["b.mp4"], Folder["inner/c.webm"] }, readings.Select(r => $"{r.Place}").ToArray());
        CollectionAssert.AreEqual(new[] { "<image><image>\nDescribe the video.", "Tell: <image><image><image>", "<image>\nWhat is it?" }, readings.Select(r => r.Row!.Prompts.Single()).ToArray());
        CollectionAssert.AreEqual(new[] { "A dog", "Two cats", "A bird." }, readings.Select(r => r.Row!.Responses.Single()).ToArray());
        CollectionAssert.AreEqual(new[] { "b.mp4#1", "b.mp4#2", "b.mp4#3" }, Names(readings[1]));
        CollectionAssert.AreEqual(new[] { "VideoToText", "VideoToText", null }, readings.Select(r => r.Row!.Kind).ToArray());
    }

    [TestMethod]
    public void AListNamesVideosAndWhatIsSaidOfThem()
    {
        Folder.Write("clips/a.mp4", [2]);
        Folder.Write("rows.jsonl", """
            {"video": "clips/a.mp4", "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}, {"from": "human", "value": "Sure?"}, {"from": "gpt", "value": "Yes."}]}
            {"video": "clips/a.mp4", "messages": [{"role": "user", "content": [{"type": "text", "text": "Look: "}, {"type": "video"}]}, {"role": "assistant", "content": "A \"cat\"."}], "kind": "Asked"}
            {"file_name": "clips/a.mp4", "caption": "It sleeps"}
            {"video": "clips/a.mp4", "messages": [{"role": "user", "content": "Draw a video"}, {"role": "assistant", "content": "<video>"}]}
            """);
        RowReading[] readings = [.. Source(Folder["rows.jsonl"], new VideoFileOptions { TextField = "caption" }).Read()];
        CollectionAssert.AreEqual(new string?[4], readings.Select(r => r.Problem).ToArray());
        CollectionAssert.AreEqual(new[] { "<image><image>\nWhat?", "Sure?", "Look: <image><image>", "<image><image>\nDescribe the video.", "Draw a video" }, readings.SelectMany(r => r.Row!.Prompts).ToArray());
        CollectionAssert.AreEqual(new[] { "A cat.", "Yes.", "A \"cat\".", "It sleeps", "<image><image>" }, readings.SelectMany(r => r.Row!.Responses).ToArray());
        CollectionAssert.AreEqual(new[] { 2, 2, 2, 0 }, readings.Select(r => r.Row!.PromptImageCount).ToArray());
        Assert.AreEqual("Asked", readings[1].Row!.Kind);
        Assert.AreEqual(new RowPlace(Folder["rows.jsonl"], 3), readings[2].Place);
        foreach (RowReading reading in readings) CollectionAssert.AreEqual(new[] { "a.mp4#1", "a.mp4#2" }, Names(reading));
    }

    [TestMethod]
    public void ARowThatCannotBeUsedIsToldAndTheOthersAreRead()
    {
        Folder.Write("a.mp4", [2]);
        Folder.Write("broken.mp4", [0]);
        Folder.Write("metadata.jsonl", """
            {"file_name": "../a.mp4", "text": "Out"}
            {"file_name": "no.mp4", "text": "Gone"}
            {"file_name": "broken.mp4", "text": "Broken"}
            {"text": "Which?"}
            {"file_name": "a.mp4", "title": "A"}
            {"file_name": "a.mp4", "text": " "}
            {"file_name": "a.mp4", "text": "Behind <video>"}
            {"video": "a.mp4", "messages": [{"role": "user", "content": "No mark"}, {"role": "assistant", "content": "No."}]}
            {"video": "a.mp4", "question": "<video> or <video>?", "answer": "Both."}
            {"video": "a.mp4", "image": "a.png", "messages": [{"role": "user", "content": "<video>"}, {"role": "assistant", "content": "No."}]}
            {"video": "a.mp4", "question": "Whole?", "answer": "Yes."}
            """);
        RowReading[] readings = [.. Source(Folder.Path).Read()];
        Assert.HasCount(11, readings);
        CollectionAssert.AreEqual(Enumerable.Range(1, 11).Select(i => new RowPlace(Folder["metadata.jsonl"], i)).ToArray(), readings.Select(r => r.Place).ToArray());
        StringAssert.StartsWith(readings[0].Problem, "the video '../a.mp4' leads out of its folder by '..'.");
        StringAssert.StartsWith(readings[1].Problem, "the video 'no.mp4' does not exist (looked in ");
        Assert.AreEqual("broken.mp4 cannot be decoded.", readings[2].Problem);
        Assert.AreEqual("the row has neither 'video' nor 'file_name'; it has 'text'.", readings[3].Problem);
        Assert.AreEqual("the row has neither 'conversations', 'messages' nor 'question' and 'answer' nor 'text'; it has 'file_name', 'title'.", readings[4].Problem);
        Assert.AreEqual("the caption is empty, so there is nothing to learn. Write it, or take the row out.", readings[5].Problem);
        Assert.AreEqual("the caption holds a <video> or <image> mark, and there is no further picture for it. Take it out.", readings[6].Problem);
        Assert.AreEqual("no message holds a <video> mark for the row's video. Put one where the video is shown.", readings[7].Problem);
        Assert.AreEqual("the texts hold 2 <video> marks and 0 <image> marks, but the row has one video and no pictures. Leave one mark.", readings[8].Problem);
        Assert.AreEqual("the row names the picture 'a.png' beside its video, and only frames of the video can stand in it. Take it out.", readings[9].Problem);
        Assert.AreEqual("<image><image>\nWhole?", readings[10].Row!.Prompts[0]);
    }

    [TestMethod]
    public void TextsAndVideosThatLackEachOtherAreTold()
    {
        foreach (string name in new[] { "a.mp4", "b.mp4" }) Folder.Write(name, [1]);
        foreach (string name in new[] { "b.txt", "b.json", "c.txt" }) Folder.Write(name, "One");
        RowReading[] readings = [.. Source(Folder.Path).Read()];
        CollectionAssert.AreEqual(new[]
        {
            $"{Folder["a.mp4"]}: the video has no text: neither 'a.txt', 'a.caption' nor 'a.json' lies beside it, and the folder has no metadata.jsonl. Write one of them, or set VideoFileOptions.FrameTasks.",
            $"{Folder["b.mp4"]}: the video has several texts, 'b.txt', 'b.json'. Leave one.",
            $"{Folder["c.txt"]}: this text has no video of the same name beside it. Put the video there, or take the text out.",
        }, readings.Select(r => $"{r.Place}: {r.Problem}").ToArray());
        RowReading large = Source(Folder["b.mp4"], new VideoFileOptions { MaximumRowBytes = 2 }).Read().Single();
        File.Delete(Folder["b.json"]);
        Assert.AreEqual("the file 'b.txt' has 3 bytes, more than MaximumRowBytes = 2. Raise it, or shorten the text.", Source(Folder["b.mp4"], new VideoFileOptions { MaximumRowBytes = 2 }).Read().Single().Problem);
        Assert.AreEqual(readings[1].Problem, large.Problem);
    }

    [TestMethod]
    public void FrameTasksNeedNoTexts()
    {
        Folder.Write("a.mp4", [4]);
        Folder.Write("inner/b.mp4", [3]);
        Folder.Write("short.mp4", [1]);
        RowReading[] readings = [.. Source(Folder.Path, new VideoFileOptions { FrameTasks = new FrameFolderOptions { Tasks = [FrameTask.Next, FrameTask.Previous] } }).Read()];
        Assert.AreEqual("<image><image><image>\nDraw the next frame of this video.", readings[0].Row!.Prompts[0]);
        CollectionAssert.AreEqual(new[] { "a.mp4#1", "a.mp4#2", "a.mp4#3", "a.mp4#4" }, Names(readings[0]));
        Assert.AreEqual("the video has 1 frames; the task Previous needs 2. Take it out, or leave the task out of FrameFolderOptions.Tasks.", readings[1].Problem);
        CollectionAssert.AreEqual(new[] { "b.mp4#1", "b.mp4#2", "b.mp4#3" }, Names(readings[2]));
        Assert.AreEqual("VideoNext", readings[2].Row!.Kind);
    }

    [TestMethod]
    public void WhatTheReaderTellsGoesToTheLogOnceAndWhatItThrowsEndsTheReading()
    {
        Folder.Write("a.mp4", [2]);
        Folder.Write("a.txt", "A cat");
        var context = new MLContext();
        var log = new List<string>();
        context.Log += (_, entry) => log.Add(entry.RawMessage);
        RowSource source = context.MetaMorph().Data.VideoFiles(Folder.Path, (file, tell) =>
        {
            tell("too many frames");
            return Frames(file);
        });
        Assert.HasCount(1, source.Read().ToArray());
        Assert.HasCount(1, source.Read().ToArray());
        Assert.AreEqual(1, log.Count(message => message == "too many frames"));
        RowSource missing = context.MetaMorph().Data.VideoFiles(Folder.Path, (_, _) => throw new FileNotFoundException("no ffmpeg"));
        Assert.AreEqual("no ffmpeg", Assert.ThrowsExactly<FileNotFoundException>(() => missing.Read().ToArray()).Message);
    }

    [TestMethod]
    public void WhatCannotBeIsRefusedAtOnce()
    {
        Assert.AreEqual($"{Folder["no"]}: there is no such video, list or folder of videos (looked in {Folder["no"]}).", Assert.ThrowsExactly<FileNotFoundException>(() => Source(Folder["no"])).Message);
        Assert.AreEqual("'https://a/b.mp4' is an address, and nothing is ever fetched. Download it first. (Parameter 'path')", Assert.ThrowsExactly<ArgumentException>(() => Source("https://a/b.mp4")).Message);
        Assert.AreEqual("DescribePrompts: the text \"Tell\" holds <video> 0 times; once is needed. (Parameter 'DescribePrompts')", Assert.ThrowsExactly<ArgumentException>(() => Source(Folder.Path, new VideoFileOptions { DescribePrompts = ["Tell"] })).Message);
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Source(Folder.Path, new VideoFileOptions { MaximumRowBytes = 0 })).Message, "MaximumRowBytes is 0; 1 to 1073741824 are possible.");
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Source(Folder.Path, new VideoFileOptions { FrameTasks = new FrameFolderOptions { MaximumFrames = 1 } })).Message, "MaximumFrames is 1; 3 to 64 are possible.");
    }

    private static string[] Names(RowReading reading) => [.. reading.Row!.Images.Select(image => image.Name)];

    private static RowSource Source(string path, VideoFileOptions? options = null) => new MLContext().MetaMorph().Data.VideoFiles(path, (file, _) => Frames(file), options);

    /// <summary>The first byte of a video is the number of its frames.</summary>
    private static RowImage[] Frames(string file)
    {
        string name = Path.GetFileName(file);
        byte count = File.ReadAllBytes(file)[0];
        return count > 0 ? [.. Enumerable.Range(1, count).Select(i => RowImage.FromBytes($"{name}#{i}", () => [(byte)i]))] : throw new InvalidDataException($"{name} cannot be decoded.");
    }
}
