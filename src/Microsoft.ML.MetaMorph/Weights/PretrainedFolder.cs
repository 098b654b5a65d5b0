namespace Microsoft.ML.MetaMorph;

/// <summary>Finds the folder of a pretrained model.</summary>
internal static class PretrainedFolder
{
    /// <summary>The folder that <paramref name="nameOrPath"/> means: a folder as it is, or a model of the local Hugging Face cache.</summary>
    /// <param name="nameOrPath">A folder, or <c>org/name</c>.</param>
    /// <param name="revision">A branch, tag or commit of a cached model; null means <c>main</c>. Not allowed for a folder.</param>
    /// <param name="cache">The cache; null means the one that the environment names.</param>
    /// <exception cref="DirectoryNotFoundException">Neither exists; the message lists where it was looked for.</exception>
    /// <exception cref="ArgumentException">A revision of a folder is asked for.</exception>
    public static string Resolve(string nameOrPath, string? revision = null, HuggingFaceCache? cache = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        if (Directory.Exists(nameOrPath))
        {
            return revision is null ? Path.GetFullPath(nameOrPath)
                : throw new ArgumentException($"'{nameOrPath}' is a folder; the revision '{revision}' can only be chosen for a model of the Hugging Face cache.", nameof(revision));
        }
        cache ??= HuggingFaceCache.FromEnvironment();
        List<string> looked = [Path.GetFullPath(nameOrPath)];
        if (HuggingFaceCache.IsModelName(nameOrPath) && cache.Snapshot(nameOrPath, revision ?? "main", looked) is { } snapshot) return snapshot;
        throw new DirectoryNotFoundException(Explain(nameOrPath, revision, cache, looked));
    }

    private static string Explain(string nameOrPath, string? revision, HuggingFaceCache cache, List<string> looked)
    {
        string message = $"No pretrained model '{nameOrPath}'{(revision is null ? "" : $" at revision '{revision}'")} was found. Looked for:{string.Concat(looked.Select(l => $"\n  {l}"))}\n";
        if (File.Exists(nameOrPath)) return message + $"'{nameOrPath}' is a file; give the folder that holds it.";
        if (!HuggingFaceCache.IsModelName(nameOrPath)) return message + "It is no folder, and no name of the form org/name that the Hugging Face cache could hold.";
        message += $"The cache is '{cache.Root}' ({cache.Source}).";
        if (cache.Commits(nameOrPath) is { Count: > 0 } commits) message += $" It holds other revisions of this model: {string.Join(", ", commits)}.";
        string call = $"await {nameof(HuggingFaceHub)}.{nameof(HuggingFaceHub.DownloadAsync)}(\"{nameOrPath}\"{(revision is null ? "" : $", \"{revision}\"")})", command = $"hf download {nameOrPath}{(revision is null ? "" : $" --revision {revision}")}";
        return message + (cache.IsOffline ? $" HF_HUB_OFFLINE is set; unset it and call '{call}' or run '{command}', or copy the folder here." : $" Nothing is downloaded unasked: call '{call}' or run '{command}', or give a folder.");
    }
}
