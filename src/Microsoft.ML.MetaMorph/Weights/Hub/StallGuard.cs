namespace Microsoft.ML.MetaMorph;

/// <summary>Cancels what is silent for too long, or what the user cancels, and knows which it was.</summary>
internal sealed class StallGuard : IDisposable
{
    private readonly CancellationToken _user;
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _silence;
    private readonly CancellationTokenSource _either;

    public StallGuard(HuggingFaceHubOptions options, CancellationToken user)
    {
        _user = user;
        _limit = options.StallTimeout;
        _silence = new CancellationTokenSource(_limit, options.TimeProvider);
        _either = CancellationTokenSource.CreateLinkedTokenSource(user, _silence.Token);
    }

    public TimeSpan Limit => _limit;

    public CancellationToken Token => _either.Token;

    public bool HasStalled => _silence.IsCancellationRequested && !_user.IsCancellationRequested;

    /// <summary>Something was heard; the time begins anew.</summary>
    public void Restart() => _silence.CancelAfter(_limit);

    public void Dispose()
    {
        _either.Dispose();
        _silence.Dispose();
    }
}
