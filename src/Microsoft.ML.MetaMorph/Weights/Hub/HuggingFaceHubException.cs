using System.Net;

namespace Microsoft.ML.MetaMorph;

/// <summary>A model could not be fetched from the Hugging Face hub; the message says why and what to do.</summary>
public sealed class HuggingFaceHubException : IOException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Why, and what to do.</param>
    /// <param name="inner">What was thrown below, or null.</param>
    public HuggingFaceHubException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>The status with which the hub refused; null where it was something else that failed.</summary>
    public HttpStatusCode? StatusCode { get; init; }

    /// <summary>The hub's own word for the refusal, such as <c>GatedRepo</c>, <c>RepoNotFound</c>, <c>RevisionNotFound</c>, <c>EntryNotFound</c>; null where it gave none.</summary>
    public string? ErrorCode { get; init; }
}
