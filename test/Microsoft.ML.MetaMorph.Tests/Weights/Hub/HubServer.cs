using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>One request that reached the server.</summary>
internal sealed record HubCall(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);
}

/// <summary>An answer, which may break off or fall silent.</summary>
internal sealed record HubReply(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>The connection is closed after so many bytes of the body.</summary>
    public int? ClosesAfter { get; init; }

    /// <summary>Called after so many bytes; then nothing more comes until the client hangs up.</summary>
    public (int Bytes, Action Tell)? FallsSilentAfter { get; init; }

    public static HubReply Json(string text) => new(200, Encoding.UTF8.GetBytes(text));

    public static HubReply Refusal(int status, string? code = null, string? message = null)
        => new(status, [], [.. new[] { ("X-Error-Code", code!), ("X-Error-Message", message!) }.Where(h => h.Item2 is not null)]);
}

/// <summary>A small HTTP server that answers as the hub does, and as it should not.</summary>
internal sealed class HubServer : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public HubServer()
    {
        _listener.Start();
        _loop = Task.Run(AcceptAsync);
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public ConcurrentQueue<HubCall> Calls { get; } = new();

    /// <summary>The files of org/name, and which of them are large ones on the storage host.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    public HashSet<string> Large { get; } = [];

    /// <summary>The host that large files are redirected to.</summary>
    public HubServer? Storage { get; set; }

    /// <summary>Asked first; null means the usual answer.</summary>
    public Func<HubCall, HubReply?> Behave { get; set; } = _ => null;

    public string[] Targets => [.. Calls.Select(c => $"{c.Method} {c.Target}")];

    public static string GitHash(byte[] content) => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    public static string LargeHash(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public string Hash(string name) => Large.Contains(name) ? LargeHash(Files[name]) : GitHash(Files[name]);

    /// <summary>The listing as the API gives it with <c>blobs=true</c>.</summary>
    public string Listing(bool hasBlobs = true, string commit = Commit)
    {
        IEnumerable<string> entries = Files.Select(f => !hasBlobs ? $$"""{"rfilename":"{{f.Key}}"}"""
            : Large.Contains(f.Key) ? $$$"""{"rfilename":"{{{f.Key}}}","blobId":"{{{new string('e', 40)}}}","size":{{{f.Value.Length}}},"lfs":{"sha256":"{{{LargeHash(f.Value)}}}","size":{{{f.Value.Length}}},"pointerSize":134}}"""
            : $$"""{"rfilename":"{{f.Key}}","blobId":"{{GitHash(f.Value)}}","size":{{f.Value.Length}}}""");
        return $$"""{"id":"org/name","sha":"{{commit}}","siblings":[{{string.Join(',', entries)}}]}""";
    }

    /// <summary>The usual answer for bytes, in parts where a part is asked for.</summary>
    public static HubReply Content(HubCall call, byte[] content, params (string Name, string Value)[] headers)
    {
        if (call["Range"] is not { } range) return new HubReply(200, content, headers);
        int from = int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
        return new HubReply(206, content[from..], [.. headers, ("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}")]);
    }

    public void Dispose()
    {
        if (_loop.IsCompleted) return;
        _stop.Cancel();
        _listener.Stop();
        _loop.GetAwaiter().GetResult();
        _stop.Dispose();
    }

    private HubReply Usual(HubCall call)
    {
        string path = call.Target.Split('?')[0];
        if (path.StartsWith("/api/models/org/name/revision/", StringComparison.Ordinal)) return HubReply.Json(Listing());
        if (path.StartsWith($"/org/name/resolve/{Commit}/", StringComparison.Ordinal) && Uri.UnescapeDataString(path[$"/org/name/resolve/{Commit}/".Length..]) is var name && Files.TryGetValue(name, out byte[]? content))
        {
            if (Storage is null || !Large.Contains(name)) return Content(call, content, ("ETag", $"\"{Hash(name)}\""), ("X-Repo-Commit", Commit));
            lock (Storage.Files) Storage.Files[Hash(name)] = content;
            return new HubReply(302, [], ("Location", $"{Storage.Address}stored/{Hash(name)}?signature=secret"), ("X-Linked-Etag", $"\"{Hash(name)}\""), ("X-Linked-Size", $"{content.Length}"), ("X-Repo-Commit", Commit));
        }
        if (path.StartsWith("/stored/", StringComparison.Ordinal) && Files.TryGetValue(path["/stored/".Length..], out byte[]? stored)) return Content(call, stored, ("ETag", "\"of-the-storage\""));
        return HubReply.Refusal(404, path.Contains("/resolve/", StringComparison.Ordinal) ? "EntryNotFound" : "RepoNotFound");
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                open.Add(Task.Run(() => ServeAsync(client)));
            }
            catch (Exception closed) when (closed is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }
        await Task.WhenAll(open);
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (NetworkStream stream = client.GetStream())
        {
            try
            {
                if (await ReadAsync(stream) is not { } call) return;
                Calls.Enqueue(call);
                await WriteAsync(stream, call, Behave(call) ?? Usual(call));
            }
            catch (Exception hungUp) when (hungUp is IOException or OperationCanceledException)
            {
                // The client left, as it does where it is cancelled.
            }
        }
    }

    private async Task<HubCall?> ReadAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
        if (await reader.ReadLineAsync(_stop.Token) is not { Length: > 0 } line) return null;
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } header) headers[header.Split(':')[0]] = header[(header.IndexOf(':') + 1)..].Trim();
        return new HubCall(line.Split(' ')[0], line.Split(' ')[1], headers);
    }

    private async Task WriteAsync(NetworkStream stream, HubCall call, HubReply reply)
    {
        var head = new StringBuilder($"HTTP/1.1 {reply.Status} {(HttpStatusCode)reply.Status}\r\nConnection: close\r\n");
        // "-" leaves a header out.
        (string Name, string Value)[] headers = [.. reply.Headers.DistinctBy(h => h.Name, StringComparer.OrdinalIgnoreCase)];
        if (!headers.Any(h => h.Name == "Content-Length")) headers = [.. headers, ("Content-Length", $"{reply.Body.Length}")];
        foreach ((string name, string value) in headers.Where(h => h.Value != "-")) head.Append($"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), _stop.Token);
        if (call.Method == "HEAD") return;
        int sent = reply.FallsSilentAfter?.Bytes ?? reply.ClosesAfter ?? reply.Body.Length;
        await stream.WriteAsync(reply.Body.AsMemory(0, sent), _stop.Token);
        if (reply.FallsSilentAfter is not { } silence) return;
        silence.Tell();
        if (await stream.ReadAsync(new byte[1], _stop.Token) == 0) return;
    }
}
