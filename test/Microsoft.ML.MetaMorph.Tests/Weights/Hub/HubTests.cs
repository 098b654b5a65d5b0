using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Tests with a hub of their own, a host beside it that stores its large files, a cache and a clock.</summary>
public abstract class HubTests : FolderTests
{
    private protected const string Commit = HubServer.Commit;

    private protected static readonly TimeSpan Stall = TimeSpan.FromSeconds(77);

    // A proxy of the machine would stand between the test and its server.
    private readonly SocketsHttpHandler _handler = new() { AllowAutoRedirect = false, UseProxy = false };

    private protected HubServer Storage { get; } = new();

    private protected HubServer Hub { get; } = new();

    private protected HandTime Time { get; } = new(due => due == Stall);

    /// <summary>The environment of the download; nothing of the process's is seen.</summary>
    private protected Dictionary<string, string> Variables { get; } = [];

    private protected string Model => Folder["cache/models--org--name"];

    private protected HuggingFaceHubOptions Options => field ??= new() { StallTimeout = Stall, TimeProvider = Time, Handler = _handler };

    [TestInitialize]
    public void Begin()
    {
        Hub.Storage = Storage;
        Variables["HF_ENDPOINT"] = Hub.Address.AbsoluteUri;
        Variables["HF_HUB_CACHE"] = Folder["cache"];
        Variables["HF_HOME"] = Folder["home"];
    }

    [TestCleanup]
    public void StopServers()
    {
        _handler.Dispose();
        Hub.Dispose();
        Storage.Dispose();
    }

    private protected void Add(string name, byte[] content, bool isLarge = false)
    {
        Hub.Files[name] = content;
        if (isLarge) Hub.Large.Add(name);
    }

    private protected void Add(string name, string content = "{}") => Add(name, Encoding.UTF8.GetBytes(content));

    /// <summary>Bytes that do not repeat.</summary>
    private protected static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private protected Task<HuggingFaceSnapshot> DownloadAsync(string? revision = null, string[]? files = null, CancellationToken cancellation = default)
        => HuggingFaceHub.DownloadAsync("org/name", revision, files, Options, Variables.GetValueOrDefault, cancellation);

    private protected async Task<string> FailureAsync(string? revision = null, string[]? files = null)
        => (await Assert.ThrowsExactlyAsync<HuggingFaceHubException>(() => DownloadAsync(revision, files))).Message;

    private protected static string[] Names(string folder) => Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)] : [];

    private protected string[] Blobs => Names(Path.Combine(Model, "blobs"));
}
