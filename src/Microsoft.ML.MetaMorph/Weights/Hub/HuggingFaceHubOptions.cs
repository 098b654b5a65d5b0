using System.Net;

namespace Microsoft.ML.MetaMorph;

/// <summary>How <see cref="HuggingFaceHub"/> reaches the hub, and where it puts what it fetches.</summary>
public sealed class HuggingFaceHubOptions
{
    /// <summary>The hub, or a mirror of it. Null (default): <c>HF_ENDPOINT</c>, or https://huggingface.co.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>A user access token, needed for private and gated models. Null (default): <c>HF_TOKEN</c>, or the file that <c>hf auth login</c> writes. Empty: none. It is sent to the endpoint only, never to the hosts that it redirects to.</summary>
    public string? Token { get; set; }

    /// <summary>The folder that holds <c>models--org--name</c>. Null (default): <c>HF_HUB_CACHE</c>, <c>HF_HOME</c>, or <c>~/.cache/huggingface/hub</c>, where a name given as <c>pretrainedFolder</c> is looked for.</summary>
    public string? CacheFolder { get; set; }

    /// <summary>True: the hub is never asked, and what the cache has is returned. Null (default): <c>HF_HUB_OFFLINE</c>.</summary>
    public bool? Offline { get; set; }

    /// <summary>A proxy. Null (default): that of the system (<c>HTTPS_PROXY</c> and its like). Not together with <see cref="Handler"/>.</summary>
    public IWebProxy? Proxy { get; set; }

    /// <summary>What sends the requests, for certificates, logging or tests; it is not disposed. It must not follow redirects itself (<c>AllowAutoRedirect = false</c>). Null (default): a <see cref="SocketsHttpHandler"/>.</summary>
    public HttpMessageHandler? Handler { get; set; }

    /// <summary>How often in a row a request is tried again after 429, 5xx, a dropped or a stalled connection, with pauses of 1, 2, 4, … seconds or as the hub asks. Bytes that arrive set the count back. 0 to 100; 5 by default.</summary>
    public int Retries { get; set; } = 5;

    /// <summary>How long a connection may be silent before it counts as dropped. One minute by default.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How many files are fetched at a time. 1 to 64; 4 by default.</summary>
    public int MaxParallelFiles { get; set; } = 4;

    /// <summary>Told about the bytes as they come, from several threads.</summary>
    public IProgress<HuggingFaceProgress>? Progress { get; set; }

    /// <summary>The clock of pauses and time limits.</summary>
    internal TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Bytes free for a folder; null means those of its disk.</summary>
    internal Func<string, long>? FreeBytes { get; set; }

    /// <summary>Makes a symbolic link; null means that of the system.</summary>
    internal Action<string, string>? Link { get; set; }

    /// <exception cref="ArgumentException">A value cannot be.</exception>
    internal void Check()
    {
        if (Retries is < 0 or > 100) throw new ArgumentOutOfRangeException(nameof(Retries), Retries, $"{nameof(Retries)} must be 0 to 100.");
        if (MaxParallelFiles is < 1 or > 64) throw new ArgumentOutOfRangeException(nameof(MaxParallelFiles), MaxParallelFiles, $"{nameof(MaxParallelFiles)} must be 1 to 64.");
        if (StallTimeout <= TimeSpan.Zero || StallTimeout > TimeSpan.FromDays(1)) throw new ArgumentOutOfRangeException(nameof(StallTimeout), StallTimeout, $"{nameof(StallTimeout)} must be above zero and at most a day.");
        if (Proxy is not null && Handler is not null) throw new ArgumentException($"{nameof(Proxy)} and {nameof(Handler)} are both given; set the proxy of the handler instead.");
        if (Handler is HttpClientHandler { AllowAutoRedirect: true } or SocketsHttpHandler { AllowAutoRedirect: true })
            throw new ArgumentException($"{nameof(Handler)} follows redirects itself, so the token could not be kept from other hosts. Set its AllowAutoRedirect to false.");
        if (Token is not null && Token.Any(c => c is <= ' ' or > '~')) throw new ArgumentException($"{nameof(Token)} holds a space or another character that no token has.");
    }
}
