using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>Fetches pretrained models from the Hugging Face hub into its local cache, where <c>org/name</c> then stands for their folder.</summary>
/// <remarks>
/// Nothing else in this library uses the network, and a name that is not in the cache is an error. The layout is the standard one, so that files which Python
/// tools fetched are not fetched again, and the other way round: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
/// </remarks>
public static partial class HuggingFaceHub
{
    /// <summary>Fetches what is missing of a model, checks it against the hub's hashes, and returns its folder.</summary>
    /// <param name="model"><c>org/name</c>.</param>
    /// <param name="revision">A branch, a tag or a commit. Null (default): <c>main</c>.</param>
    /// <param name="files">Names or patterns (<c>*</c> and <c>?</c>, which match slashes too) of the files to fetch, all that match. Null (default): weights in safetensors, configurations and tokenizers; what else there is stands in <see cref="HuggingFaceSnapshot.LeftOut"/>.</param>
    /// <param name="options">Endpoint, token, cache folder and more. Null (default): what the environment says.</param>
    /// <param name="cancellationToken">Stops. What was fetched so far is kept, and the next call goes on from there.</param>
    /// <returns>The snapshot. The revision is pinned to one commit: all files are of it, whatever is pushed meanwhile.</returns>
    /// <exception cref="ArgumentException">A name, a pattern or an option cannot be.</exception>
    /// <exception cref="HuggingFaceHubException">The hub refused, could not be reached, or sent what is not what it promised; or the disk is too small; or the model is not in the cache and the hub must not be asked.</exception>
    /// <example><code>
    /// await HuggingFaceHub.DownloadAsync("google/siglip-base-patch16-224");
    /// var encoder = mlContext.MetaMorph().EncodeImages("VisualTokens", "Image", "google/siglip-base-patch16-224");
    /// </code></example>
    public static Task<HuggingFaceSnapshot> DownloadAsync(string model, string? revision = null, IEnumerable<string>? files = null, HuggingFaceHubOptions? options = null, CancellationToken cancellationToken = default)
        => DownloadAsync(model, revision, files, options ?? new(), variable: null, cancellationToken);

    /// <summary>The same in another environment: <paramref name="variable"/> reads a variable, null means the process's.</summary>
    internal static async Task<HuggingFaceSnapshot> DownloadAsync(string model, string? revision, IEnumerable<string>? files, HuggingFaceHubOptions options, Func<string, string?>? variable, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        if (!HuggingFaceCache.IsModelName(model)) throw new ArgumentException($"'{model}' cannot be the name of a model on the hub; names have the form org/name.", nameof(model));
        revision ??= "main";
        HuggingFaceCache.CheckRevision(revision);
        string[]? patterns = files is null ? null : HubSelection.Patterns(files);
        HubSettings settings = HubSettings.From(options, variable);
        if (settings.Cache.IsOffline) return Offline(model, revision, patterns, settings);
        using var connection = new HubConnection(settings);
        HubListing listing = await HubListing.AskAsync(connection, model, revision, cancellationToken).ConfigureAwait(false);
        HubSelection selection = patterns is null ? HubSelection.Default(listing) : HubSelection.Matching(listing, patterns);
        var snapshot = new SnapshotWriter(settings, model, listing.Commit);
        await FetchAsync(connection, listing, selection, snapshot, cancellationToken).ConfigureAwait(false);
        if (!CommitHash().IsMatch(revision)) snapshot.WriteReference(revision);
        return new HuggingFaceSnapshot(model, listing.Commit, snapshot.Folder, [.. selection.Chosen.Select(f => f.Name)], selection.LeftOut);
    }

    /// <summary>Whether the text is a whole commit hash, which is never a branch that moves.</summary>
    internal static bool IsCommit(string text) => CommitHash().IsMatch(text);

    /// <summary>Blobs first, links last, so that a snapshot that is there has every file that was asked for.</summary>
    private static async Task FetchAsync(HubConnection connection, HubListing listing, HubSelection selection, SnapshotWriter snapshot, CancellationToken cancellation)
    {
        HubSettings settings = connection.Settings;
        HubFile[] chosen = await Task.WhenAll(selection.Chosen.Select(f => f.IsDescribed ? Task.FromResult(f) : f.DescribeAsync(connection, listing, cancellation))).ConfigureAwait(false);
        // One blob may stand under several names.
        HubFile[] missing = [.. chosen.Where(f => !snapshot.Has(f)).DistinctBy(f => f.Hash, StringComparer.Ordinal)];
        var progress = new HubProgress(settings.Options.Progress, missing);
        FreeSpace.Check(settings, snapshot.Blobs, missing);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = settings.Options.MaxParallelFiles, CancellationToken = cancellation };
        await Parallel.ForEachAsync(missing, parallel, async (file, stop) => await new BlobDownload(connection, listing, snapshot, file, progress).RunAsync(stop).ConfigureAwait(false)).ConfigureAwait(false);
        snapshot.Place(chosen);
    }

    private static HuggingFaceSnapshot Offline(string model, string revision, string[]? patterns, HubSettings settings)
    {
        List<string> looked = [];
        string asked = settings.Options.Offline == true ? $"{nameof(HuggingFaceHubOptions)}.{nameof(HuggingFaceHubOptions.Offline)} is true" : "HF_HUB_OFFLINE is set";
        if (settings.Cache.Snapshot(model, revision, looked) is not { } folder)
            throw new HuggingFaceHubException($"The model '{model}' at revision '{revision}' is not in the cache '{settings.Cache.Root}', and {asked}, so the hub was not asked. Looked for:{string.Concat(looked.Select(l => $"\n  {l}"))}");
        string[] names = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        foreach (string pattern in patterns ?? [])
        {
            if (!names.Any(name => HubSelection.Matches(pattern, name)))
                throw new HuggingFaceHubException($"The cached snapshot '{folder}' has no file that matches '{pattern}', and {asked}, so the hub was not asked. It has: {string.Join(", ", names)}.");
        }
        return new HuggingFaceSnapshot(model, Path.GetFileName(folder), folder, [.. names.Where(n => patterns is null || patterns.Any(p => HubSelection.Matches(p, n)))], []);
    }

    [GeneratedRegex("^[0-9a-f]{40}$", RegexOptions.CultureInvariant)]
    private static partial Regex CommitHash();
}
