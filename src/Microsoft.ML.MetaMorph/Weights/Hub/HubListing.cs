using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The files of a model at one commit, as the hub's API lists them.</summary>
internal sealed class HubListing
{
    private HubListing(string model, string commit, IReadOnlyList<HubFile> files, HubRefusal refusal)
    {
        Model = model;
        Commit = commit;
        Files = files;
        Refusal = refusal;
    }

    public string Model { get; }

    public string Commit { get; }

    public IReadOnlyList<HubFile> Files { get; }

    public HubRefusal Refusal { get; }

    /// <summary>Asks for the commit that a revision stands for now, and for the files of it.</summary>
    public static Task<HubListing> AskAsync(HubConnection connection, string model, string revision, CancellationToken cancellation)
    {
        var refusal = new HubRefusal(connection.Settings, model, revision);
        Uri plain = connection.Address(["api", "models", .. model.Split('/'), "revision", revision]);
        var request = new HubRequest(HttpMethod.Get, new Uri(plain.AbsoluteUri + "?blobs=true"));
        return connection.RepeatAsync(async () =>
        {
            using var silence = new StallGuard(connection.Settings.Options, cancellation);
            using HubAnswer answer = await connection.SendAsync(request, leavesHub: false, response => refusal.Explain(response, file: null), silence).ConfigureAwait(false);
            if (!answer.Response.IsSuccessStatusCode) throw new HuggingFaceHubException($"{HubConnection.Plain(plain)} answered {(int)answer.Response.StatusCode} and leads away from the hub; that is not followed.");
            return Read(await ReadAsync(answer, silence, plain).ConfigureAwait(false), HubConnection.Plain(plain), model, refusal);
        }, cancellation);
    }

    /// <summary>Where a file of this commit is fetched.</summary>
    public Uri Address(HubConnection connection, string file) => connection.Address([.. Model.Split('/'), "resolve", Commit, .. file.Split('/')]);

    private static HubListing Read(byte[] text, string address, string model, HubRefusal refusal)
    {
        try
        {
            return JsonFile.Named(address, () =>
            {
                using JsonDocument document = JsonDocument.Parse(text);
                return Parse(document.RootElement, model, refusal);
            });
        }
        catch (InvalidDataException other)
        {
            throw new HuggingFaceHubException($"{other.Message} This is not the answer of a Hugging Face hub; check HF_ENDPOINT and the proxy.", other);
        }
    }

    /// <exception cref="InvalidDataException">The answer is not what the API gives.</exception>
    /// <exception cref="HuggingFaceHubException">It names a file that would not lie in the folder of the model.</exception>
    public static HubListing Parse(JsonElement root, string model, HubRefusal refusal)
    {
        if (root.ValueKind != JsonValueKind.Object || Text(root, "sha") is not { } commit || !HuggingFaceHub.IsCommit(commit)) throw new InvalidDataException("'sha' is not the hash of a commit.");
        if (!root.TryGetProperty("siblings", out JsonElement siblings) || siblings.ValueKind != JsonValueKind.Array) throw new InvalidDataException("'siblings' is not a list of files.");
        HubFile[] files = [.. siblings.EnumerateArray().Select(entry => Entry(entry, model))];
        // On a disk that does not tell capitals apart, the second would take the place of the first.
        if (files.GroupBy(f => f.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } same && (OperatingSystem.IsWindows() || OperatingSystem.IsMacOS() || same.DistinctBy(f => f.Name, StringComparer.Ordinal).Count() < same.Count()))
            throw new HuggingFaceHubException($"The hub lists '{string.Join("' and '", same.Select(f => f.Name))}' of '{model}', which are one file on this disk.");
        return new HubListing(model, commit, files, refusal);
    }

    private static HubFile Entry(JsonElement entry, string model)
    {
        if (entry.ValueKind != JsonValueKind.Object || Text(entry, "rfilename") is not { } name) throw new InvalidDataException("an entry of 'siblings' has no 'rfilename'.");
        if (!IsInside(name)) throw new HuggingFaceHubException($"The hub lists a file '{name}' of '{model}', which would lie outside the model's folder or cannot be the name of a file. Nothing was fetched.");
        bool isLarge = entry.TryGetProperty("lfs", out JsonElement large) && large.ValueKind == JsonValueKind.Object;
        JsonElement sized = isLarge ? large : entry;
        string hash = (isLarge ? Text(large, "sha256") ?? Text(large, "oid") : Text(entry, "blobId")) ?? "";
        long length = sized.TryGetProperty("size", out JsonElement size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out long bytes) && bytes >= 0 ? bytes : -1;
        return new HubFile(name, BlobHash.IsHash(hash) ? hash : "", length);
    }

    /// <summary>Whether a name stays below the folder it is put under, on every system.</summary>
    private static bool IsInside(string name) => name.Length is > 0 and <= 1000 && !name.Any(c => c < ' ' || c is '\\' or ':' or '*' or '?' or '"' or '<' or '>' or '|')
        && name.Split('/').All(part => part.Length > 0 && part is not ("." or "..") && !part.EndsWith(' ') && !part.EndsWith('.'));

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static async Task<byte[]> ReadAsync(HubAnswer answer, StallGuard silence, Uri address)
    {
        using var text = new MemoryStream();
        await BodyReader.ReadAsync(answer, silence, address, (bytes, _) =>
        {
            // The largest listings are some megabytes.
            if (text.Length + bytes.Length > 256L << 20) throw new HuggingFaceHubException($"{HubConnection.Plain(address)} answers with more than 256 MiB; that is no list of files.");
            text.Write(bytes.Span);
            return ValueTask.CompletedTask;
        }).ConfigureAwait(false);
        return text.ToArray();
    }
}
