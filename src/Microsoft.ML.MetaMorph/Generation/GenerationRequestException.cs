namespace Microsoft.ML.MetaMorph;

/// <summary>A request that the model cannot answer; the others of its batch could be. Told before anything is computed, but for visual tokens that overflow.</summary>
internal sealed class GenerationRequestException : ArgumentException
{
    /// <param name="request">The request's number in the batch.</param>
    /// <param name="problem">What is wrong, as a sentence goes on that began with the request.</param>
    /// <param name="ofVisualTokens">Whether its visual tokens are to blame.</param>
    public GenerationRequestException(int request, string problem, bool ofVisualTokens = false)
        : base($"Request {request} {problem}", "requests")
    {
        Request = request;
        Problem = problem;
        OfVisualTokens = ofVisualTokens;
    }

    /// <summary>The request's number in the batch.</summary>
    public int Request { get; }

    /// <summary>What is wrong; a caller who has another name for the request puts it before this.</summary>
    public string Problem { get; }

    /// <summary>Whether its visual tokens are to blame, not its text.</summary>
    public bool OfVisualTokens { get; }
}
