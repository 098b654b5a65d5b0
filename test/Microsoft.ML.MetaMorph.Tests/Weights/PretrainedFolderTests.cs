using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class PretrainedFolderTests
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    [TestMethod]
    public void TheEnvironmentNamesTheCache()
    {
        Assert.AreEqual("/a", Cache(("HF_HUB_CACHE", "/a"), ("HF_HOME", "/b")).Root);
        Assert.AreEqual("/c", Cache(("HUGGINGFACE_HUB_CACHE", "/c"), ("HF_HOME", "/b")).Root);
        Assert.AreEqual(Path.Combine("/b", "hub"), Cache(("HF_HOME", "/b")).Root);
        Assert.AreEqual(Path.Combine("/x", "huggingface/hub"), Cache(("XDG_CACHE_HOME", "/x")).Root);
        StringAssert.EndsWith(Cache().Root, Path.Combine(".cache", "huggingface", "hub"));
        Assert.IsTrue(Cache(("HF_HUB_OFFLINE", "1")).IsOffline);
        Assert.IsFalse(Cache(("HF_HUB_OFFLINE", "0")).IsOffline);
    }

    [TestMethod]
    public void BranchesTagsAndCommitsAreResolved()
    {
        using var folder = new ScratchFolder();
        folder.Write("models--org--name/refs/main", Commit + "\n");
        folder.Write("models--org--name/refs/refs/pr/3", Commit);
        folder.Write($"models--org--name/snapshots/{Commit}/config.json", "{}");
        HuggingFaceCache cache = Cache(("HF_HUB_CACHE", folder.Path));
        string expected = Path.Combine(folder.Path, "models--org--name", "snapshots", Commit);
        Assert.AreEqual(expected, PretrainedFolder.Resolve("org/name", cache: cache));
        Assert.AreEqual(expected, PretrainedFolder.Resolve("org/name", "refs/pr/3", cache));
        Assert.AreEqual(expected, PretrainedFolder.Resolve("org/name", Commit, cache));
        TensorAssert.Throws<DirectoryNotFoundException>(() => PretrainedFolder.Resolve("org/name", "v2", cache), "'v2'", Path.Combine("refs", "v2"), Commit, "HuggingFaceHub.DownloadAsync(\"org/name\", \"v2\")", "hf download org/name --revision v2");
        TensorAssert.Throws<ArgumentException>(() => PretrainedFolder.Resolve("org/name", "../../x", cache), "../../x");
    }

    [TestMethod]
    public void AFolderIsTakenAsItIs()
    {
        using var folder = new ScratchFolder();
        Assert.AreEqual(folder.Path, PretrainedFolder.Resolve(folder.Path));
        TensorAssert.Throws<ArgumentException>(() => PretrainedFolder.Resolve(folder.Path, "main"), folder.Path, "'main'");
    }

    [TestMethod]
    public void TheErrorListsWhereItLooked()
    {
        using var folder = new ScratchFolder();
        TensorAssert.Throws<DirectoryNotFoundException>(() => PretrainedFolder.Resolve("org/name", cache: Cache(("HF_HOME", folder.Path))),
            Path.GetFullPath("org/name"), Path.Combine(folder.Path, "hub", "models--org--name", "refs", "main"), "HF_HOME", "Nothing is downloaded unasked: call 'await HuggingFaceHub.DownloadAsync(\"org/name\")' or run 'hf download org/name', or give a folder.");
        TensorAssert.Throws<DirectoryNotFoundException>(() => PretrainedFolder.Resolve("org/name", cache: Cache(("HF_HOME", folder.Path), ("HF_HUB_OFFLINE", "1"))), "HF_HUB_OFFLINE is set");
        TensorAssert.Throws<DirectoryNotFoundException>(() => PretrainedFolder.Resolve("/no/such/folder", cache: Cache(("HF_HOME", folder.Path))), "/no/such/folder");
        TensorAssert.Throws<DirectoryNotFoundException>(() => PretrainedFolder.Resolve(folder.Write("a.safetensors", ""), cache: Cache(("HF_HOME", folder.Path))), "is a file");
    }

    [TestMethod]
    [DataRow("model.safetensors|model.safetensors.index.json|pytorch_model.bin", null, "model.safetensors")]
    [DataRow("model.safetensors.index.json|pytorch_model.bin", null, "model.safetensors.index.json")]
    [DataRow("pytorch_model.bin|model.fp16.safetensors", null, "pytorch_model.bin")]
    [DataRow("pytorch_model.bin|model.fp16.safetensors", "fp16", "model.fp16.safetensors")]
    [DataRow("model.safetensors|model.safetensors.index.fp16.json", "fp16", "model.safetensors.index.fp16.json")]
    [DataRow("diffusion_pytorch_model.bin|diffusion_pytorch_model.safetensors", null, "diffusion_pytorch_model.safetensors")]
    [DataRow("mm_projector.bin|config.json", null, "mm_projector.bin")]
    [DataRow("anything.safetensors|tokenizer.json", null, "anything.safetensors")]
    [DataRow("adapter_checkpoint.pt|model_config.json", null, "adapter_checkpoint.pt")]
    public void TheBestFileIsChosen(string present, string? variant, string expected)
    {
        using var folder = new ScratchFolder();
        foreach (string file in present.Split('|')) folder.Write(file, "");
        Assert.AreEqual(folder[expected], WeightFiles.Choose(folder.Path, variant));
    }

    /// <summary>The names that diffusers gives to shards of a variant, and the other order.</summary>
    [TestMethod]
    [DataRow("diffusion_pytorch_model.safetensors.index.fp16.json")]
    [DataRow("diffusion_pytorch_model.fp16.safetensors.index.json")]
    public void ShardsOfAVariantAreOpened(string index)
    {
        using var folder = new ScratchFolder();
        using Tensor a = randn(4), b = randn(3);
        SafeTensorsWriter.Write(folder["diffusion_pytorch_model.fp16-00001-of-00002.safetensors"], [new("a", a)]);
        SafeTensorsWriter.Write(folder["diffusion_pytorch_model.fp16-00002-of-00002.safetensors"], [new("b", b)]);
        folder.Write(index, """{"metadata":{},"weight_map":{"a":"diffusion_pytorch_model.fp16-00001-of-00002.safetensors","b":"diffusion_pytorch_model.fp16-00002-of-00002.safetensors"}}""");
        foreach (TensorArchive opened in new[] { TensorArchive.Open(folder.Path, "fp16"), TensorArchive.Open(folder[index]) })
        {
            using TensorArchive archive = opened;
            using Tensor readA = archive.Read("a"), readB = archive.Read("b");
            TensorAssert.AreIdentical(a, readA, "a");
            TensorAssert.AreIdentical(b, readB, "b");
        }
    }

    [TestMethod]
    [DataRow("config.json", null, "no file of weights at all")]
    [DataRow("model.fp16.safetensors", null, "model.fp16.safetensors")]
    [DataRow("model.safetensors", "fp16", "model.fp16.safetensors")]
    [DataRow("a.safetensors|b.safetensors", null, "a.safetensors, b.safetensors")]
    [DataRow("model-00001-of-00002.safetensors", null, "model.safetensors.index.json")]
    public void AnUnclearFolderIsRefusedWithWhatIsThere(string present, string? variant, string text)
    {
        using var folder = new ScratchFolder();
        foreach (string file in present.Split('|')) folder.Write(file, "");
        TensorAssert.Throws<FileNotFoundException>(() => TensorArchive.Open(folder.Path, variant), folder.Path, text);
    }

    [TestMethod]
    public void SnapshotsOfLinksAreOpened()
    {
        if (OperatingSystem.IsWindows()) return;   // links need a privilege there, and the hub's own cache copies instead
        using var folder = new ScratchFolder();
        using Tensor x = randn(4);
        SafeTensorsWriter.Write(folder["models--o--n/blobs/abc"], [new("x", x)]);
        folder.Write("models--o--n/refs/main", Commit);
        Directory.CreateDirectory(folder[$"models--o--n/snapshots/{Commit}"]);
        File.CreateSymbolicLink(folder[$"models--o--n/snapshots/{Commit}/model.safetensors"], "../../blobs/abc");
        using TensorArchive archive = TensorArchive.Open(PretrainedFolder.Resolve("o/n", cache: Cache(("HF_HUB_CACHE", folder.Path))));
        using Tensor read = archive.Read("x");
        TensorAssert.AreIdentical(x, read, "x");
    }

    private static HuggingFaceCache Cache(params (string Name, string Value)[] variables) => HuggingFaceCache.FromEnvironment(name => variables.FirstOrDefault(v => v.Name == name).Value);
}
