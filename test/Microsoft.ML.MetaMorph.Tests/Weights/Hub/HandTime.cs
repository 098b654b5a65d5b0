namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A clock on which pauses are over at once and are written down, and on which nothing else passes unless a test says so.</summary>
/// <param name="isLimit">Which waits are limits that must not run out by themselves.</param>
internal sealed class HandTime(Func<TimeSpan, bool> isLimit) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<HandTimer> _armed = [];
    private readonly List<TimeSpan> _pauses = [];

    /// <summary>Called when a pause begins, before it is over.</summary>
    public Action<TimeSpan> OnPause { get; set; } = _ => { };

    public TimeSpan[] Pauses
    {
        get
        {
            lock (_gate) return [.. _pauses];
        }
    }

    public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new HandTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets all limits run out.</summary>
    public void RunOut()
    {
        HandTimer[] armed;
        lock (_gate) armed = [.. _armed];
        foreach (HandTimer timer in armed) timer.Fire();
    }

    private sealed class HandTimer(HandTime time, Action fire) : ITimer
    {
        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            bool isPause = dueTime != Timeout.InfiniteTimeSpan && !time.IsLimit(dueTime);
            lock (time._gate)
            {
                time._armed.Remove(this);
                if (isPause) time._pauses.Add(dueTime);
                else if (dueTime != Timeout.InfiniteTimeSpan) time._armed.Add(this);
            }
            if (isPause)
            {
                time.OnPause(dueTime);
                // Not on this thread: who makes a timer does not expect it to fire before he has it.
                ThreadPool.QueueUserWorkItem(_ => fire());
            }
            return true;
        }

        public void Dispose()
        {
            lock (time._gate) time._armed.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }

    private bool IsLimit(TimeSpan due) => isLimit(due);
}
