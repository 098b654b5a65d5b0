namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Connections that break, hubs that are busy, and answers that are not what was promised.</summary>
[TestClass]
public sealed class HubTransferTests : HubTests
{
    private const int Length = 700_000;

    private static readonly byte[] Weights = Bytes(Length);

    private string Partial => Path.Combine(Model, "blobs", Hub.Hash("model.safetensors") + ".incomplete");

    private string Stored => $"{Storage.Address}stored/{Hub.Hash("model.safetensors")}";

    private string[] Ranges => [.. Storage.Calls.Select(c => $"{c["Range"] ?? "all"} {c["If-Range"] ?? "-"}")];

    [TestInitialize]
    public void AddWeights() => Add("model.safetensors", Weights, isLarge: true);

    [TestMethod]
    public async Task ACancelledDownloadGoesOnWhereItStood()
    {
        using var cancel = new CancellationTokenSource();
        long kept = 0;
        Options.Progress = new Listener(report =>
        {
            kept = report.FileBytes;
            cancel.Cancel();
        });
        await Assert.ThrowsAsync<OperationCanceledException>(() => DownloadAsync(cancellation: cancel.Token));
        Assert.IsTrue(kept is > 0 and < Length, $"{kept} bytes");
        CollectionAssert.AreEqual(Weights[..(int)kept], File.ReadAllBytes(Partial));
        Assert.IsFalse(Directory.Exists(Path.Combine(Model, "snapshots")) || Directory.Exists(Path.Combine(Model, "refs")), "half a model is not a snapshot");
        Options.Progress = null;
        await CheckDownloadAsync();
        CollectionAssert.AreEqual(new[] { "all -", $"bytes={kept}- -" }, Ranges);
    }

    /// <summary>In one run the tag of the first part is known, so the second must be of the same file.</summary>
    [TestMethod]
    public async Task ADroppedConnectionIsTakenUpAgain()
    {
        Storage.Behave = call => call["Range"] is null ? new HubReply(200, Weights, ("ETag", "\"of-the-storage\"")) { ClosesAfter = 300_000 } : null;
        await CheckDownloadAsync();
        CollectionAssert.AreEqual(new[] { "all -", "bytes=300000- \"of-the-storage\"" }, Ranges);
        CollectionAssert.AreEqual(new[] { TimeSpan.FromSeconds(1) }, Time.Pauses);
    }

    [TestMethod]
    public async Task AnAnswerWithoutALengthThatEndsEarlyIsTakenUpAgain()
    {
        Storage.Behave = call => call["Range"] is null ? new HubReply(200, Weights[..123_456], ("Content-Length", "-")) : null;
        await CheckDownloadAsync();
        CollectionAssert.AreEqual(new[] { "all -", "bytes=123456- -" }, Ranges);
    }

    [TestMethod]
    public async Task AStalledConnectionIsTakenUpAgain()
    {
        bool isSilent = true;
        Storage.Behave = call => Interlocked.Exchange(ref isSilent, false) ? new HubReply(200, Weights) { FallsSilentAfter = (100_000, Time.RunOut) } : null;
        await CheckDownloadAsync();
        Assert.HasCount(2, Storage.Calls);
        CollectionAssert.AreEqual(new[] { TimeSpan.FromSeconds(1) }, Time.Pauses);
    }

    [TestMethod]
    public async Task AStalledConnectionIsToldWhereNothingIsTriedAgain()
    {
        Options.Retries = 0;
        Storage.Behave = call => new HubReply(200, Weights) { FallsSilentAfter = (0, Time.RunOut) };
        string message = await FailureAsync();
        Assert.IsTrue(message is var m && (m.StartsWith($"{Stored} sent nothing for 77 seconds. (Tried once;", StringComparison.Ordinal) || m.StartsWith($"{Stored} gave no answer for 77 seconds. (Tried once;", StringComparison.Ordinal)), message);
        StringAssert.EndsWith(message, "what is there is kept, and the next download goes on from it.)");
    }

    [TestMethod]
    public async Task AHostThatKnowsNoPartsBeginsAnew()
    {
        Folder.Write(Path.GetRelativePath(Folder.Path, Partial), Weights[..1000]);
        Storage.Behave = _ => new HubReply(200, Weights);
        await CheckDownloadAsync();
        CollectionAssert.AreEqual(new[] { "bytes=1000- -" }, Ranges);
    }

    [TestMethod]
    public async Task WhatAnEarlierRunLeftWholeIsNotAskedForAgain()
    {
        Folder.Write(Path.GetRelativePath(Folder.Path, Partial), Weights);
        await CheckDownloadAsync();
        Assert.IsEmpty(Storage.Calls);
    }

    [TestMethod]
    [DataRow(1000, DisplayName = "A beginning")]
    [DataRow(Length, DisplayName = "All of it")]
    [DataRow(Length + 5, DisplayName = "Too much")]
    public async Task WhatAnEarlierRunLeftDamagedIsFetchedWhole(int length)
    {
        Folder.Write(Path.GetRelativePath(Folder.Path, Partial), new byte[length]);
        await CheckDownloadAsync();
        Assert.AreEqual("all -", Ranges[^1]);
    }

    [TestMethod]
    public async Task AHostThatRefusesThePartIsAskedForTheWhole()
    {
        Folder.Write(Path.GetRelativePath(Folder.Path, Partial), Weights[..1000]);
        Storage.Behave = call => call["Range"] is null ? null : new HubReply(416, []);
        await CheckDownloadAsync();
        CollectionAssert.AreEqual(new[] { "bytes=1000- -", "all -" }, Ranges);
    }

    [TestMethod]
    public async Task ABusyHubIsWaitedForAsItAsks()
    {
        var answers = new Queue<HubReply>([new(429, [], ("Retry-After", "7")), new(503, []), new(500, []), new(429, [], ("Retry-After", "Fri, 02 Jan 2026 03:04:17 GMT")), new(429, [], ("Retry-After", "9000"))]);
        Hub.Behave = _ => answers.TryDequeue(out HubReply? answer) ? answer : null;
        await CheckDownloadAsync();
        // Seconds, then by itself the second and third pause, then a date that is 12 seconds off, then no longer than five minutes.
        CollectionAssert.AreEqual(new double[] { 7, 2, 4, 12, 300 }, Time.Pauses.Select(p => p.TotalSeconds).ToArray());
    }

    [TestMethod]
    public async Task AHubThatStaysBusyIsTold()
    {
        Options.Retries = 2;
        Hub.Behave = _ => new HubReply(429, []);
        Assert.AreEqual($"{Hub.Address}api/models/org/name/revision/main answered 429 (TooManyRequests). A token (HF_TOKEN) raises the hub's limits. (Tried 3 times; what is there is kept, and the next download goes on from it.)", await FailureAsync());
        CollectionAssert.AreEqual(new double[] { 1, 2 }, Time.Pauses.Select(p => p.TotalSeconds).ToArray());
        Assert.HasCount(3, Hub.Calls);
    }

    /// <summary>Every attempt brings some bytes, so more attempts are made than in a row would be.</summary>
    [TestMethod]
    public async Task BytesThatArriveSetTheCountBack()
    {
        Options.Retries = 1;
        Storage.Behave = call => HubServer.Content(call, Weights) with { ClosesAfter = 100_000 };
        await CheckDownloadAsync();
        CollectionAssert.AreEqual(Enumerable.Range(0, 7).Select(i => i == 0 ? "all -" : $"bytes={i * 100_000}- -").ToArray(), Ranges);
    }

    [TestMethod]
    public async Task AHubThatIsNotThereIsTold()
    {
        Options.Retries = 0;
        string address = Hub.Address.AbsoluteUri;
        Hub.Dispose();
        string message = await FailureAsync();
        StringAssert.StartsWith(message, $"{address}api/models/org/name/revision/main could not be reached: ");
        StringAssert.EndsWith(message, ". Check the network, the proxy and HF_ENDPOINT. (Tried once; what is there is kept, and the next download goes on from it.)");
    }

    [TestMethod]
    public async Task AFileWithAnotherHashIsRefused()
    {
        byte[] other = Bytes(Length + 1)[..Length];
        Storage.Behave = call => HubServer.Content(call, other);
        Assert.AreEqual($"'model.safetensors' of 'org/name' has the hash {HubServer.LargeHash(other)}, but the hub promised {Hub.Hash("model.safetensors")} ({Length} bytes). It was deleted. The file is damaged on the way, at the mirror or by a proxy; try again or use another endpoint.", await FailureAsync());
        await CheckNothingIsLeftAsync();
    }

    [TestMethod]
    public async Task ASmallFileWithAnotherHashIsRefused()
    {
        Add("config.json", "{}");
        byte[] other = "[]"u8.ToArray();
        Hub.Behave = call => call.Target.EndsWith("config.json", StringComparison.Ordinal) ? new HubReply(200, other) : null;
        StringAssert.StartsWith(await FailureAsync(files: ["config.json"]), $"'config.json' of 'org/name' has the hash {HubServer.GitHash(other)}, but the hub promised {Hub.Hash("config.json")} (2 bytes). It was deleted.");
        await CheckNothingIsLeftAsync();
    }

    [TestMethod]
    public async Task AFileThatIsAnnouncedWithAnotherLengthIsRefused()
    {
        Storage.Behave = _ => new HubReply(200, Weights[..^1]);
        Assert.AreEqual($"'model.safetensors' of 'org/name' is announced with {Length - 1} bytes instead of {Length}, from {Stored}. It was not kept; try again or use another endpoint.", await FailureAsync());
        await CheckNothingIsLeftAsync();
    }

    [TestMethod]
    public async Task AFileThatIsLongerThanItSaysIsRefused()
    {
        Storage.Behave = _ => new HubReply(200, [.. Weights, 1], ("Content-Length", "-"));
        Assert.AreEqual($"'model.safetensors' of 'org/name' sends more than the {Length} bytes that it has at the hub, from {Stored}. It was not kept; try again or use another endpoint.", await FailureAsync());
        await CheckNothingIsLeftAsync();
    }

    [TestMethod]
    public async Task AnotherPartThanWasAskedForIsRefused()
    {
        Folder.Write(Path.GetRelativePath(Folder.Path, Partial), Weights[..1000]);
        Storage.Behave = _ => new HubReply(206, Weights[500..], ("Content-Range", $"bytes 500-{Length - 1}/{Length}"));
        Assert.AreEqual($"'model.safetensors' of 'org/name' comes as the part 'bytes 500-{Length - 1}/{Length}' where bytes from 1000 on of {Length} were asked for, from {Stored}. It was not kept; try again or use another endpoint.", await FailureAsync());
        await CheckNothingIsLeftAsync();
    }

    [TestMethod]
    public async Task AnotherFileThanWasListedIsRefused()
    {
        Hub.Behave = call => call.Target.Contains("/resolve/", StringComparison.Ordinal) ? new HubReply(302, [], ("Location", $"{Storage.Address}stored/x"), ("X-Linked-Etag", $"\"{new string('a', 64)}\"")) : null;
        Storage.Files["x"] = Weights;
        StringAssert.StartsWith(await FailureAsync(), $"'model.safetensors' of 'org/name' is announced with the hash {new string('a', 64)} instead of {Hub.Hash("model.safetensors")}, from {Storage.Address}stored/x.");
        Hub.Behave = call => call.Target.Contains("/resolve/", StringComparison.Ordinal) ? new HubReply(200, Weights, ("X-Repo-Commit", new string('c', 40))) : null;
        StringAssert.StartsWith(await FailureAsync(), $"'model.safetensors' of 'org/name' is that of commit {new string('c', 40)} instead of {Commit}, from {Hub.Address}org/name/resolve/{Commit}/model.safetensors.");
        await CheckNothingIsLeftAsync();
    }

    [TestMethod]
    public async Task ACircleOfRedirectsIsLeft()
    {
        Hub.Behave = call => call.Target.Contains("/resolve/", StringComparison.Ordinal) ? new HubReply(302, [], ("Location", call.Target)) : null;
        string address = $"{Hub.Address}org/name/resolve/{Commit}/model.safetensors";
        Assert.AreEqual($"{address} was redirected more than 10 times, last to {address}.", await FailureAsync());
        Assert.HasCount(12, Hub.Calls, "the listing, the file and ten redirects");
    }

    private async Task CheckDownloadAsync()
    {
        string folder = (await DownloadAsync()).Folder;
        CollectionAssert.AreEqual(Weights, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        CollectionAssert.AreEqual(new[] { Hub.Hash("model.safetensors") }, Blobs);
    }

    /// <summary>A lie leaves nothing behind, and an honest answer is then taken.</summary>
    private async Task CheckNothingIsLeftAsync()
    {
        CollectionAssert.AreEqual(Array.Empty<string>(), Blobs);
        Assert.IsFalse(Directory.Exists(Path.Combine(Model, "snapshots")));
        Hub.Behave = Storage.Behave = _ => null;
        await DownloadAsync();
        CollectionAssert.Contains(Blobs, Hub.Hash("model.safetensors"));
    }

    private sealed class Listener(Action<HuggingFaceProgress> report) : IProgress<HuggingFaceProgress>
    {
        public void Report(HuggingFaceProgress value) => report(value);
    }
}
