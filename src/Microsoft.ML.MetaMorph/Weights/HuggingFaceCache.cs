using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>The local cache of the Hugging Face hub: <c>models--org--name/{refs,snapshots,blobs}</c>. It is filled only by <see cref="HuggingFaceHub"/>.</summary>
/// <remarks>Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache</remarks>
internal sealed partial class HuggingFaceCache
{
    private HuggingFaceCache(string root, string source, bool isOffline)
    {
        Root = root;
        Source = source;
        IsOffline = isOffline;
    }

    /// <summary>The folder that holds <c>models--…</c>.</summary>
    public string Root { get; }

    /// <summary>The environment variable that decided, or the default, for messages.</summary>
    public string Source { get; }

    /// <summary><c>HF_HUB_OFFLINE</c>: the hub must not be asked, not even where a download is asked for.</summary>
    public bool IsOffline { get; }

    /// <summary>The cache that the variables <c>HF_HUB_CACHE</c>, <c>HUGGINGFACE_HUB_CACHE</c>, <c>HF_HOME</c>, <c>XDG_CACHE_HOME</c> name, in this order.</summary>
    /// <param name="variable">Reads a variable; null means the process's environment.</param>
    public static HuggingFaceCache FromEnvironment(Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        bool offline = IsSet(variable("HF_HUB_OFFLINE"));
        foreach ((string name, string below) in new[] { ("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub") })
        {
            if (variable(name) is { Length: > 0 } folder) return new HuggingFaceCache(Path.Combine(Expand(folder), below), name, offline);
        }
        return new HuggingFaceCache(Path.Combine(Home(variable), "hub"), "the default place", offline);
    }

    /// <summary>The folder above the cache, which also holds the token: <c>HF_HOME</c>, <c>XDG_CACHE_HOME</c>, or the default place.</summary>
    public static string Home(Func<string, string?> variable)
    {
        if (variable("HF_HOME") is { Length: > 0 } home) return Expand(home);
        return Path.Combine(variable("XDG_CACHE_HOME") is { Length: > 0 } caches ? Expand(caches) : Path.Combine(Expand("~"), ".cache"), "huggingface");
    }

    /// <summary>Whether a variable says yes, as Python's tools read it.</summary>
    public static bool IsSet(string? value) => value?.Trim().ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    /// <summary>A cache in another folder.</summary>
    public HuggingFaceCache At(string folder, string source) => new(folder, source, IsOffline);

    /// <summary>The same cache, with or without leave to ask the hub.</summary>
    public HuggingFaceCache With(bool isOffline) => new(Root, Source, isOffline);

    /// <summary>Whether the text can name a model on the hub: <c>org/name</c> or <c>name</c>.</summary>
    public static bool IsModelName(string text) => ModelName().IsMatch(text) && !text.Contains("..", StringComparison.Ordinal) && !text.Contains("--", StringComparison.Ordinal);

    /// <summary>The folder of a model; it may not exist.</summary>
    public string ModelFolder(string model) => Path.Combine(Root, "models--" + model.Replace("/", "--", StringComparison.Ordinal));

    /// <exception cref="ArgumentException">The text cannot name a revision.</exception>
    public static void CheckRevision(string revision)
    {
        if (!RevisionName().IsMatch(revision) || revision.Contains("..", StringComparison.Ordinal)) throw new ArgumentException($"'{revision}' cannot be the name of a revision.", nameof(revision));
    }

    /// <summary>The snapshot of a revision (a branch, a tag or a commit), or null; every place looked at is added to <paramref name="looked"/>.</summary>
    public string? Snapshot(string model, string revision, ICollection<string> looked)
    {
        CheckRevision(revision);
        string folder = ModelFolder(model), reference = Path.Combine(folder, "refs", revision);
        looked.Add(reference);
        string commit = revision;
        if (File.Exists(reference))
        {
            commit = File.ReadAllText(reference).Trim();
            if (!CommitName().IsMatch(commit)) throw new InvalidDataException($"'{reference}' does not hold the name of a commit.");
        }
        string snapshot = Path.Combine(folder, "snapshots", commit);
        looked.Add(snapshot);
        return Directory.Exists(snapshot) ? snapshot : null;
    }

    /// <summary>The commits of a model that the cache holds.</summary>
    public IReadOnlyList<string> Commits(string model)
    {
        string folder = Path.Combine(ModelFolder(model), "snapshots");
        return Directory.Exists(folder) ? [.. Directory.GetDirectories(folder).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)] : [];
    }

    /// <summary>A path with the user's folder in the place of a tilde.</summary>
    public static string Expand(string path)
    {
        if (path is not "~" && !path.StartsWith("~/", StringComparison.Ordinal)) return path;
        return Path.Join(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), path[1..]);
    }

    [GeneratedRegex(@"^[\w.-]+(/[\w.-]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex ModelName();

    [GeneratedRegex(@"^[\w.-]+(/[\w.-]+)*$", RegexOptions.CultureInvariant)]
    private static partial Regex RevisionName();

    [GeneratedRegex(@"^[\w-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex CommitName();
}
