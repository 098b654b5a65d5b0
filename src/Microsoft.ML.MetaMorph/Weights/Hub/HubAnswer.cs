using System.Net.Http.Headers;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is asked for: a message is made of it for each host that the request is sent to.</summary>
internal sealed record HubRequest(HttpMethod Method, Uri Address)
{
    /// <summary>The first byte that is wanted.</summary>
    public long From { get; init; }

    /// <summary>The tag that the file must still have for <see cref="From"/> to count; null where none is known.</summary>
    public EntityTagHeaderValue? Tag { get; init; }

    public HttpRequestMessage Message(Uri address)
    {
        var message = new HttpRequestMessage(Method, address);
        if (From == 0) return message;
        message.Headers.Range = new RangeHeaderValue(From, null);
        if (Tag is not null) message.Headers.IfRange = new RangeConditionHeaderValue(Tag);
        return message;
    }
}

/// <summary>An answer whose body is still to be read.</summary>
/// <param name="Response">The last answer.</param>
/// <param name="Headers">What the hub says of the file, from the answer that redirected to it if there was one.</param>
/// <param name="Address">Who answered.</param>
internal sealed record HubAnswer(HttpResponseMessage Response, HubHeaders Headers, Uri Address) : IDisposable
{
    public void Dispose() => Response.Dispose();
}

/// <summary>What the hub says of a file in headers.</summary>
internal sealed record HubHeaders(string? Hash, long? Length, string? Commit, bool IsLinked)
{
    public static HubHeaders Of(HttpResponseMessage response)
    {
        string? linked = Value(response, "X-Linked-Etag"), size = Value(response, "X-Linked-Size");
        string? hash = (linked ?? response.Headers.ETag?.Tag)?.Trim('"');
        long? length = long.TryParse(size, System.Globalization.CultureInfo.InvariantCulture, out long bytes) ? bytes : response.Content.Headers.ContentLength;
        return new HubHeaders(hash, length, Value(response, "X-Repo-Commit"), linked is not null);
    }

    public static string? Value(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.FirstOrDefault() : null;
}
