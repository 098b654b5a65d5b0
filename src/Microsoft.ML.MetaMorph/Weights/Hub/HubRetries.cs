namespace Microsoft.ML.MetaMorph;

/// <summary>Counts failures in a row and pauses between them.</summary>
internal sealed class HubRetries(HuggingFaceHubOptions options)
{
    /// <summary>A hub that asks for more than this is not waited for in one go.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private int _failures;

    /// <summary>Something came of the last attempt.</summary>
    public void Reset() => _failures = 0;

    /// <summary>Pauses before the next attempt, or throws where there is none.</summary>
    public async Task PauseAsync(HubTroubleException trouble, CancellationToken cancellation)
    {
        if (_failures >= options.Retries)
            throw new HuggingFaceHubException($"{trouble.Message} ({(_failures == 0 ? "Tried once" : $"Tried {_failures + 1} times")}; what is there is kept, and the next download goes on from it.)", trouble) { StatusCode = trouble.StatusCode };
        TimeSpan pause = trouble.RetryAfter ?? TimeSpan.FromSeconds(Math.Pow(2, Math.Min(_failures, 5)));
        _failures++;
        await Task.Delay(pause < LongestPause ? pause : LongestPause, options.TimeProvider, cancellation).ConfigureAwait(false);
    }
}
