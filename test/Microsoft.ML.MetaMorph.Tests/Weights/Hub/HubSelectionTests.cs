using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Which files are taken of the listings of published models, and which options cannot be.</summary>
[TestClass]
public sealed class HubSelectionTests
{
    [TestMethod]
    [DataRow("Shards and duplicates", "config.json|model-00001-of-00002.safetensors|model-00002-of-00002.safetensors|model.safetensors.index.json|merges.txt|chat_template.jinja",
        "pytorch_model-00001-of-00002.bin: the same weights are there in safetensors|pytorch_model.bin.index.json: the same weights are there in safetensors|onnx/model.onnx: no weights in safetensors, no configuration and no tokenizer|flax_model.msgpack: no weights in safetensors, no configuration and no tokenizer")]
    [DataRow("Llama", "model.safetensors|tokenizer.json|original/params.json|original/tokenizer.model", "original/consolidated.00.pth: the model has weights in safetensors|.gitattributes: no weights in safetensors, no configuration and no tokenizer")]
    [DataRow("Torch files only", "config.json|pytorch_model.bin|spiece.model", "training_args.bin: the state of a training, not the model|optimizer.pt: the state of a training, not the model|trainer_state.json: the state of a training, not the model")]
    [DataRow("A pipeline", "model_index.json|unet/config.json|unet/diffusion_pytorch_model.safetensors|vae/config.json|vae/diffusion_pytorch_model.bin|scheduler/scheduler_config.json|tokenizer/vocab.json|tokenizer/merges.txt",
        "v1-5-pruned.safetensors: the parts of the pipeline lie in folders of their own|v1-5-pruned.ckpt: no weights in safetensors, no configuration and no tokenizer|unet/diffusion_pytorch_model.fp16.safetensors: variant 'fp16' of weights that are there without one|unet/diffusion_pytorch_model.non_ema.safetensors: variant 'non_ema' of weights that are there without one|unet/diffusion_pytorch_model.bin: the same weights are there in safetensors")]
    [DataRow("A variant alone", "model.fp16.safetensors|config.json", "")]
    [DataRow("Shards of a variant", "model.safetensors|config.json", "model.fp16-00001-of-00002.safetensors: variant 'fp16' of weights that are there without one|model.safetensors.index.fp16.json: variant 'fp16' of weights that are there without one")]
    public void WhatIsReadIsTaken(string title, string taken, string leftOut)
    {
        string[] omissions = leftOut.Split('|', StringSplitOptions.RemoveEmptyEntries);
        HubSelection selection = HubSelection.Default(Listing([.. taken.Split('|'), .. omissions.Select(o => o.Split(": ")[0])]));
        CollectionAssert.AreEqual(taken.Split('|'), selection.Chosen.Select(f => f.Name).ToArray(), title);
        CollectionAssert.AreEqual(omissions, selection.LeftOut.Select(o => $"{o.Name}: {o.Reason}").ToArray(), title);
    }

    [TestMethod]
    public void PatternsTakeWhatMatchesAndNothingElse()
    {
        HubListing listing = Listing("config.json", "model.bin", "unet/config.json", "unet/model.bin", "a1.txt", "ab.txt", "a[1].txt");
        CollectionAssert.AreEqual(new[] { "config.json", "unet/config.json" }, Taken(listing, "*.json"));
        CollectionAssert.AreEqual(new[] { "unet/config.json", "unet/model.bin" }, Taken(listing, "unet/"));
        CollectionAssert.AreEqual(new[] { "config.json", "model.bin" }, Taken(listing, "model.bin", "config.json"));
        CollectionAssert.AreEqual(new[] { "a1.txt", "ab.txt" }, Taken(listing, "a?.txt"));
        CollectionAssert.AreEqual(new[] { "a[1].txt" }, Taken(listing, "a[1].txt"));
        HubSelection some = HubSelection.Matching(listing, ["model.bin"]);
        Assert.AreEqual(new HuggingFaceOmission("config.json", "not asked for"), some.LeftOut[0]);
        Assert.AreEqual($"The model 'org/name' has no file that matches '*.onnx' at commit {HubServer.Commit}. It has: config.json, model.bin, unet/config.json, unet/model.bin, a1.txt, ab.txt, a[1].txt.",
            Assert.ThrowsExactly<HuggingFaceHubException>(() => HubSelection.Matching(listing, ["*.json", "*.onnx"])).Message);
    }

    [TestMethod]
    public void AModelWithoutAnythingToReadIsRefused()
    {
        Assert.AreEqual("The model 'org/name' has no weights in safetensors and no configuration. It has: model.gguf. Name what is to be fetched.", Assert.ThrowsExactly<HuggingFaceHubException>(() => HubSelection.Default(Listing("model.gguf"))).Message);
        Assert.AreEqual("The model 'org/name' has no weights in safetensors and no configuration. It has no files at all. Name what is to be fetched.", Assert.ThrowsExactly<HuggingFaceHubException>(() => HubSelection.Default(Listing())).Message);
        StringAssert.Contains(Assert.ThrowsExactly<HuggingFaceHubException>(() => HubSelection.Default(Listing([.. Enumerable.Range(0, 42).Select(i => $"{i}.gguf")]))).Message, "39.gguf, and 2 more.");
    }

    [TestMethod]
    public void ArgumentsThatCannotBeAreRefused()
    {
        AssertRefused("'a/b/c' cannot be the name of a model on the hub; names have the form org/name. (Parameter 'model')", () => HuggingFaceHub.DownloadAsync("a/b/c"));
        AssertRefused("'../x' cannot be the name of a revision. (Parameter 'revision')", () => HuggingFaceHub.DownloadAsync("a/b", "../x"));
        AssertRefused("'files' is empty. Give names or patterns, or leave it out. (Parameter 'files')", () => HuggingFaceHub.DownloadAsync("a/b", files: []));
        AssertRefused("A name or pattern in 'files' is empty. (Parameter 'files')", () => HuggingFaceHub.DownloadAsync("a/b", files: [" "]));
        AssertOption("Retries must be 0 to 100. (Parameter 'Retries')\nActual value was 101.", new() { Retries = 101 });
        AssertOption("MaxParallelFiles must be 1 to 64. (Parameter 'MaxParallelFiles')\nActual value was 0.", new() { MaxParallelFiles = 0 });
        AssertOption("StallTimeout must be above zero and at most a day. (Parameter 'StallTimeout')\nActual value was 00:00:00.", new() { StallTimeout = TimeSpan.Zero });
        AssertOption("Token holds a space or another character that no token has.", new() { Token = "hf_a\nb" });
        AssertOption("Proxy and Handler are both given; set the proxy of the handler instead.", new() { Proxy = new System.Net.WebProxy(), Handler = new HttpClientHandler { AllowAutoRedirect = false } });
        AssertOption("Handler follows redirects itself, so the token could not be kept from other hosts. Set its AllowAutoRedirect to false.", new() { Handler = new HttpClientHandler() });
        AssertOption("Handler follows redirects itself, so the token could not be kept from other hosts. Set its AllowAutoRedirect to false.", new() { Handler = new SocketsHttpHandler() });
        AssertOption("HuggingFaceHubOptions.Endpoint is 'ftp://hub'; it must be an http or https address such as https://huggingface.co.", new() { Endpoint = new Uri("ftp://hub") });
    }

    [TestMethod]
    public void TheEnvironmentStandsForWhatIsNotGiven()
    {
        var variables = new Dictionary<string, string> { ["HF_HOME"] = "/home", ["HF_TOKEN"] = "hf_secret" };
        HubSettings settings = HubSettings.From(new HuggingFaceHubOptions(), variables.GetValueOrDefault);
        Assert.AreEqual((new Uri("https://huggingface.co"), "hf_secret", Path.Combine("/home", "hub"), false), (settings.Endpoint, settings.Token, settings.Cache.Root, settings.Cache.IsOffline));
        Assert.AreEqual($"https://huggingface.co/, cache {Path.Combine("/home", "hub")}, a token from HF_TOKEN", settings.ToString());
        variables["HF_ENDPOINT"] = "https://mirror.example/hub/";
        variables["HF_HUB_OFFLINE"] = "yes";
        settings = HubSettings.From(new HuggingFaceHubOptions { CacheFolder = "/other" }, variables.GetValueOrDefault);
        Assert.AreEqual((new Uri("https://mirror.example/hub"), Path.GetFullPath("/other"), true), (settings.Endpoint, settings.Cache.Root, settings.Cache.IsOffline));
        using var connection = new HubConnection(settings);
        Assert.AreEqual("https://mirror.example/hub/org/name/resolve/main/a%20b.json", connection.Address("org", "name", "resolve", "main", "a b.json").AbsoluteUri);
        variables["HF_ENDPOINT"] = "mirror";
        Assert.AreEqual("The environment variable HF_ENDPOINT is 'mirror'; it must be an http or https address such as https://huggingface.co.", Assert.ThrowsExactly<ArgumentException>(() => HubSettings.From(new HuggingFaceHubOptions(), variables.GetValueOrDefault)).Message);
        variables["HF_ENDPOINT"] = "";
        variables["HF_TOKEN"] = "two words";
        Assert.AreEqual("The token from HF_TOKEN holds a space or another character that no token has.", Assert.ThrowsExactly<ArgumentException>(() => HubSettings.From(new HuggingFaceHubOptions(), variables.GetValueOrDefault)).Message);
    }

    private static string[] Taken(HubListing listing, params string[] files) => [.. HubSelection.Matching(listing, HubSelection.Patterns(files)).Chosen.Select(f => f.Name)];

    private static HubListing Listing(params string[] names)
    {
        var settings = HubSettings.From(new HuggingFaceHubOptions(), _ => null);
        string siblings = string.Join(',', names.Select(name => $$"""{"rfilename":"{{name}}"}"""));
        using JsonDocument answer = JsonDocument.Parse($$"""{"sha":"{{HubServer.Commit}}","siblings":[{{siblings}}]}""");
        return HubListing.Parse(answer.RootElement, "org/name", new HubRefusal(settings, "org/name", "main"));
    }

    private static void AssertOption(string message, HuggingFaceHubOptions options) => AssertRefused(message, () => HuggingFaceHub.DownloadAsync("a/b", options: options));

    private static void AssertRefused(string message, Func<Task> download) => Assert.AreEqual(message, Assert.Throws<ArgumentException>(() => download().GetAwaiter().GetResult()).Message.ReplaceLineEndings("\n"));
}
