namespace Microsoft.ML.MetaMorph;

/// <summary>A request that the model cannot answer; the others of its batch could be. Told before anything is computed.</summary>
internal sealed class GenerationRequestException : ArgumentException
{
    /// <param name="request">The request's number in the batch.</param>
    /// <param name="problem">What is wrong, as a sentence goes on that began with the request.</param>
    public GenerationRequestException(int request, string problem)
        : base($"Request {request} {problem}", "requests")
    {
        Request = request;
        Problem = problem;
    }

    /// <summary>The request's number in the batch.</summary>
    public int Request { get; }

    /// <summary>What is wrong; a caller who has another name for the request puts it before this.</summary>
    public string Problem { get; }
}
