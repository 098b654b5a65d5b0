using System.Net;

namespace Microsoft.ML.MetaMorph;

/// <summary>A failure that may pass: a busy hub, a dropped or a stalled connection.</summary>
internal sealed class HubTroubleException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>How long the hub asks to wait.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public HttpStatusCode? StatusCode { get; init; }
}
