namespace Microsoft.ML.MetaMorph;

/// <summary>The options of a download with what the environment says where they say nothing.</summary>
/// <param name="Options">The options as given.</param>
/// <param name="Endpoint">The hub, without a slash at its end.</param>
/// <param name="Token">The token, or null.</param>
/// <param name="TokenSource">Where the token comes from, for messages.</param>
/// <param name="Cache">The cache that is filled.</param>
internal sealed record HubSettings(HuggingFaceHubOptions Options, Uri Endpoint, string? Token, string TokenSource, HuggingFaceCache Cache)
{
    private const string DefaultEndpoint = "https://huggingface.co";

    /// <exception cref="ArgumentException">An option, or a variable that stands for it, cannot be.</exception>
    public static HubSettings From(HuggingFaceHubOptions options, Func<string, string?>? variable = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        variable ??= Environment.GetEnvironmentVariable;
        (string? token, string source) = FindToken(options, variable);
        HuggingFaceCache cache = HuggingFaceCache.FromEnvironment(variable);
        if (options.CacheFolder is { Length: > 0 } folder) cache = cache.At(Path.GetFullPath(folder), nameof(HuggingFaceHubOptions.CacheFolder));
        if (options.Offline is { } offline) cache = cache.With(offline);
        return new HubSettings(options, FindEndpoint(options, variable), token, source, cache);
    }

    /// <summary>The token stays out of whatever prints a record.</summary>
    public override string ToString() => $"{Endpoint}, cache {Cache.Root}, {(Token is null ? "no token" : $"a token from {TokenSource}")}";

    private static Uri FindEndpoint(HuggingFaceHubOptions options, Func<string, string?> variable)
    {
        string text = options.Endpoint?.OriginalString ?? (variable("HF_ENDPOINT") is { Length: > 0 } named ? named : DefaultEndpoint);
        if (Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "https" or "http" && endpoint.Query.Length == 0 && endpoint.UserInfo.Length == 0) return endpoint;
        throw new ArgumentException($"{(options.Endpoint is null ? "The environment variable HF_ENDPOINT" : $"{nameof(HuggingFaceHubOptions)}.{nameof(HuggingFaceHubOptions.Endpoint)}")} is '{text}'; it must be an http or https address such as {DefaultEndpoint}.");
    }

    private static (string? Token, string Source) FindToken(HuggingFaceHubOptions options, Func<string, string?> variable)
    {
        if (options.Token is { } given) return (given.Length == 0 ? null : given, $"{nameof(HuggingFaceHubOptions)}.{nameof(HuggingFaceHubOptions.Token)}");
        if (HuggingFaceCache.IsSet(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN"))) return (null, "");
        foreach (string name in new[] { "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN" })
        {
            if (Clean(variable(name), name) is { } token) return (token, name);
        }
        string file = variable("HF_TOKEN_PATH") is { Length: > 0 } path ? HuggingFaceCache.Expand(path) : Path.Combine(HuggingFaceCache.Home(variable), "token");
        return File.Exists(file) && Clean(File.ReadAllText(file), file) is { } stored ? (stored, $"'{file}'") : (null, "");
    }

    private static string? Clean(string? text, string source)
    {
        text = text?.Trim();
        if (string.IsNullOrEmpty(text)) return null;
        return text.All(c => c is > ' ' and <= '~') ? text : throw new ArgumentException($"The token from {source} holds a space or another character that no token has.");
    }
}
