namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What a download leaves in the cache, and what it asks for.</summary>
[TestClass]
public sealed class HuggingFaceHubTests : HubTests
{
    /// <summary><c>printf 'hello\n' | git hash-object --stdin</c>, and <c>| sha256sum</c>.</summary>
    private const string GitHello = "ce013625030ba8dba906f756967f9e9ca394464a", LargeHello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

    [TestMethod]
    public async Task AModelIsFetchedIntoTheStandardLayout()
    {
        Add("config.json", "hello\n");
        Add("model.safetensors", "hello\n"u8.ToArray(), isLarge: true);
        Add("tokenizer/tokenizer.json");
        Add("pytorch_model.bin", Bytes(10), isLarge: true);
        Add("README.md");
        HuggingFaceSnapshot snapshot = await DownloadAsync();

        Assert.AreEqual(("org/name", Commit, Path.Combine(Model, "snapshots", Commit)), (snapshot.Model, snapshot.Commit, snapshot.Folder));
        CollectionAssert.AreEqual(new[] { "config.json", "model.safetensors", "tokenizer/tokenizer.json" }, snapshot.Files.ToArray());
        CollectionAssert.AreEqual(new HuggingFaceOmission[] { new("pytorch_model.bin", "the same weights are there in safetensors"), new("README.md", "no weights in safetensors, no configuration and no tokenizer") }, snapshot.LeftOut.ToArray());
        CollectionAssert.AreEqual(new[] { LargeHello, Hub.Hash("tokenizer/tokenizer.json"), GitHello }.Order(StringComparer.Ordinal).ToArray(), Blobs);
        CollectionAssert.AreEqual(new[] { "config.json", "model.safetensors", Path.Combine("tokenizer", "tokenizer.json") }, Names(snapshot.Folder));
        Assert.AreEqual("hello\n", File.ReadAllText(Path.Combine(snapshot.Folder, "model.safetensors")));
        Assert.AreEqual(Commit, File.ReadAllText(Path.Combine(Model, "refs", "main")));
        Assert.AreEqual(snapshot.Folder, PretrainedFolder.Resolve("org/name", cache: HuggingFaceCache.FromEnvironment(Variables.GetValueOrDefault)));
        if (OperatingSystem.IsWindows()) return;
        Assert.AreEqual($"../../blobs/{LargeHello}", new FileInfo(Path.Combine(snapshot.Folder, "model.safetensors")).LinkTarget);
        Assert.AreEqual($"../../../blobs/{Hub.Hash("tokenizer/tokenizer.json")}", new FileInfo(Path.Combine(snapshot.Folder, "tokenizer/tokenizer.json")).LinkTarget);
    }

    [TestMethod]
    public async Task ASecondDownloadAsksForTheMetadataOnly()
    {
        Add("config.json");
        Add("model.safetensors", Bytes(100), isLarge: true);
        await DownloadAsync();
        Assert.HasCount(3, Hub.Calls, "the listing and two files");
        Assert.HasCount(1, Storage.Calls);
        HuggingFaceSnapshot again = await DownloadAsync();
        CollectionAssert.AreEqual(new[] { "GET /api/models/org/name/revision/main?blobs=true" }, Hub.Targets[3..]);
        Assert.HasCount(1, Storage.Calls);
        CollectionAssert.AreEqual(new[] { "config.json", "model.safetensors" }, again.Files.ToArray());
    }

    [TestMethod]
    public async Task ALaterCommitFetchesOnlyWhatIsNew()
    {
        Add("config.json");
        Add("model.safetensors", Bytes(100), isLarge: true);
        string first = (await DownloadAsync()).Folder, later = new('b', 40);
        Add("config.json", """{"new":1}""");
        byte[] changed = Hub.Files["config.json"];
        Hub.Behave = call => call.Target.StartsWith("/api/", StringComparison.Ordinal) ? HubReply.Json(Hub.Listing(commit: later)) : call.Target == $"/org/name/resolve/{later}/config.json" ? HubServer.Content(call, changed, ("X-Repo-Commit", later)) : null;
        string second = (await DownloadAsync()).Folder;
        Assert.AreEqual(later, Path.GetFileName(second));
        Assert.HasCount(1, Storage.Calls, "the weights are the same");
        Assert.AreEqual("{}", File.ReadAllText(Path.Combine(first, "config.json")));
        Assert.AreEqual("""{"new":1}""", File.ReadAllText(Path.Combine(second, "config.json")));
        CollectionAssert.AreEqual(Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(second, "model.safetensors")));
        Assert.AreEqual(later, File.ReadAllText(Path.Combine(Model, "refs", "main")));
    }

    [TestMethod]
    [DataRow("v1.0", "v1.0", "v1.0")]
    [DataRow("refs/pr/3", "refs%2Fpr%2F3", "refs/pr/3")]
    [DataRow(Commit, Commit, null)]
    public async Task TheRevisionIsPinnedToACommit(string revision, string asked, string? reference)
    {
        Add("config.json");
        HuggingFaceSnapshot snapshot = await DownloadAsync(revision);
        Assert.AreEqual(Commit, snapshot.Commit);
        CollectionAssert.AreEqual(new[] { $"GET /api/models/org/name/revision/{asked}?blobs=true", $"GET /org/name/resolve/{Commit}/config.json" }, Hub.Targets);
        CollectionAssert.AreEqual(reference is null ? [] : new[] { reference }, Names(Path.Combine(Model, "refs")));
        Assert.AreEqual(snapshot.Folder, PretrainedFolder.Resolve("org/name", revision, HuggingFaceCache.FromEnvironment(Variables.GetValueOrDefault)));
    }

    [TestMethod]
    public async Task NamesAreEscapedInAddresses()
    {
        Add("a b#1/config.json");
        HuggingFaceSnapshot snapshot = await DownloadAsync();
        Assert.AreEqual($"GET /org/name/resolve/{Commit}/a%20b%231/config.json", Hub.Targets[1]);
        Assert.AreEqual("{}", File.ReadAllText(Path.Combine(snapshot.Folder, "a b#1", "config.json")));
    }

    [TestMethod]
    public async Task OneBlobUnderTwoNamesIsFetchedOnce()
    {
        Add("text_encoder/config.json", "same");
        Add("text_encoder_2/config.json", "same");
        string folder = (await DownloadAsync()).Folder;
        Assert.HasCount(2, Hub.Calls);
        Assert.AreEqual("same", File.ReadAllText(Path.Combine(folder, "text_encoder", "config.json")));
        Assert.AreEqual("same", File.ReadAllText(Path.Combine(folder, "text_encoder_2", "config.json")));
    }

    [TestMethod]
    public async Task WhereLinksAreImpossibleTheSnapshotHoldsTheFiles()
    {
        Options.Link = (_, _) => throw new IOException("A required privilege is not held by the client.");
        Add("a/config.json", "same");
        Add("b/config.json", "same");
        Add("model.safetensors", Bytes(50), isLarge: true);
        string folder = (await DownloadAsync()).Folder;
        foreach (string name in Hub.Files.Keys)
        {
            Assert.IsNull(new FileInfo(Path.Combine(folder, name)).LinkTarget, name);
            CollectionAssert.AreEqual(Hub.Files[name], File.ReadAllBytes(Path.Combine(folder, name)), name);
        }
        CollectionAssert.AreEqual(Array.Empty<string>(), Blobs, "nothing takes its place twice");
        CollectionAssert.AreEqual(Hub.Files.Keys.Order(StringComparer.Ordinal).ToArray(), Names(folder));
        int calls = Hub.Calls.Count;
        await DownloadAsync();
        Assert.HasCount(calls + 1, Hub.Calls, "only the listing is asked for again");
    }

    [TestMethod]
    public async Task OfflineAsksNothing()
    {
        Add("config.json");
        Add("model.safetensors", Bytes(10), isLarge: true);
        string refs = Path.Combine(Model, "refs", "main"), snapshots = Path.Combine(Model, "snapshots", "main");
        Variables["HF_HUB_OFFLINE"] = "1";
        Assert.AreEqual($"The model 'org/name' at revision 'main' is not in the cache '{Folder["cache"]}', and HF_HUB_OFFLINE is set, so the hub was not asked. Looked for:\n  {refs}\n  {snapshots}", await FailureAsync());
        Options.Offline = false;
        string folder = (await DownloadAsync()).Folder;
        int calls = Hub.Calls.Count;
        Options.Offline = true;
        HuggingFaceSnapshot cached = await DownloadAsync();
        Assert.AreEqual((folder, Commit), (cached.Folder, cached.Commit));
        CollectionAssert.AreEqual(new[] { "config.json", "model.safetensors" }, cached.Files.ToArray());
        CollectionAssert.AreEqual(new[] { "config.json" }, (await DownloadAsync(files: ["*.json"])).Files.ToArray());
        Assert.AreEqual($"The cached snapshot '{folder}' has no file that matches '*.bin', and HuggingFaceHubOptions.Offline is true, so the hub was not asked. It has: config.json, model.safetensors.", await FailureAsync(files: ["*.bin"]));
        Assert.HasCount(calls, Hub.Calls);
    }

    /// <summary>Mirrors may list names only.</summary>
    [TestMethod]
    public async Task AListingWithoutHashesIsCompletedByHeadRequests()
    {
        Add("config.json");
        Add("model.safetensors", Bytes(30), isLarge: true);
        Hub.Behave = call => call.Target.StartsWith("/api/", StringComparison.Ordinal) ? HubReply.Json(Hub.Listing(hasBlobs: false)) : null;
        string folder = (await DownloadAsync()).Folder;
        CollectionAssert.AreEquivalent(new[] { $"HEAD /org/name/resolve/{Commit}/config.json", $"HEAD /org/name/resolve/{Commit}/model.safetensors" }, Hub.Targets.Where(t => t.StartsWith("HEAD", StringComparison.Ordinal)).ToArray());
        CollectionAssert.AreEqual(new[] { "GET" }, Storage.Calls.Select(c => c.Method).ToArray());
        CollectionAssert.AreEqual(Hub.Files["model.safetensors"], File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        CollectionAssert.AreEquivalent(new[] { Hub.Hash("config.json"), Hub.Hash("model.safetensors") }, Blobs);
    }

    [TestMethod]
    public async Task ProgressEndsWithAllBytes()
    {
        var reports = new List<HuggingFaceProgress>();
        Options.Progress = new Listener(reports.Add);
        Options.MaxParallelFiles = 1;
        Add("config.json", "12345");
        Add("model.safetensors", Bytes(600_000), isLarge: true);
        await DownloadAsync();
        Assert.AreEqual(new HuggingFaceProgress("config.json", 5, 5, 5, 600_005), reports[0]);
        Assert.AreEqual(new HuggingFaceProgress("model.safetensors", 600_000, 600_000, 600_005, 600_005), reports[^1]);
        CollectionAssert.AreEqual(reports.Select(r => r.TotalBytes).Order().ToArray(), reports.Select(r => r.TotalBytes).ToArray());
    }

    [TestMethod]
    public async Task ADiskThatIsTooSmallIsToldBeforeAnythingIsFetched()
    {
        Add("config.json", "12345");
        Add("model.safetensors", Bytes(95), isLarge: true);
        Options.FreeBytes = folder => folder == Path.Combine(Model, "blobs") ? 99 : long.MaxValue;
        Assert.AreEqual($"The 2 missing files need 100 bytes, and the disk of '{Folder["cache"]}' (HF_HUB_CACHE) has 99 left. Make room, or choose another place with HuggingFaceHubOptions.CacheFolder or HF_HUB_CACHE.", await FailureAsync());
        Assert.HasCount(1, Hub.Calls);
        Options.FreeBytes = _ => 100;
        await DownloadAsync();
    }

    /// <summary>Another process has the lock; when it gives it back, the blob is there, and is not fetched again.</summary>
    [TestMethod]
    public async Task AFileThatAnotherProcessFetchesIsWaitedFor()
    {
        Add("config.json");
        string hash = Hub.Hash("config.json"), place = Folder[$"cache/.locks/models--org--name/{hash}.lock"];
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        var held = new FileStream(place, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        Time.OnPause = _ =>
        {
            if (Time.Pauses.Length < 3) return;
            Folder.Write($"cache/models--org--name/blobs/{hash}", "{}");
            held.Dispose();
        };
        await DownloadAsync();
        CollectionAssert.AreEqual(Enumerable.Repeat(HubFileLock.Interval, 3).ToArray(), Time.Pauses);
        Assert.HasCount(1, Hub.Calls, "the listing alone");
    }

    private sealed class Listener(Action<HuggingFaceProgress> report) : IProgress<HuggingFaceProgress>
    {
        public void Report(HuggingFaceProgress value) => report(value);
    }
}
