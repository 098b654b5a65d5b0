using System.Collections.Concurrent;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// One long-lived thread on which jobs take turns, a step each. Scopes and gradient modes of torch belong to a thread and do not follow
/// <c>await</c>; so callers wait elsewhere, and everything that touches a tensor happens here.
/// </summary>
/// <remarks>Thread-safe. The thread starts with the first job and is a background thread.</remarks>
internal sealed class TorchThread : IDisposable
{
    private readonly string _name;
    private readonly Action _ended;
    private readonly Lock _gate = new();
    private readonly BlockingCollection<ITorchJob> _arriving = [];
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<ITorchJob> _jobs = [];
    private Thread? _thread;
    private volatile bool _stopping;

    /// <param name="name">The thread's name, for debuggers.</param>
    /// <param name="ended">Called once, when no job runs any more and none can come.</param>
    public TorchThread(string name, Action ended)
    {
        (_name, _ended) = (name, ended);
    }

    /// <summary>How many jobs take turns; to be asked on the thread itself.</summary>
    public int JobCount => _jobs.Count;

    /// <summary>Adds a job; it gets its turns from now on.</summary>
    /// <exception cref="ObjectDisposedException">The thread was told to stop.</exception>
    public void Add(ITorchJob job)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            _arriving.Add(job);
            if (_thread is not null) return;
            _thread = new Thread(Live) { IsBackground = true, Name = _name };
            _thread.Start();
        }
    }

    /// <summary>Tells every job to finish with what it has; done once the thread has ended.</summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            if (!_stopping)
            {
                _stopping = true;
                _arriving.CompleteAdding();
                if (_thread is null) End();
            }
        }
        return _end.Task;
    }

    /// <summary>Stops and waits, except on the thread itself.</summary>
    public void Dispose()
    {
        Task end = StopAsync();
        if (Thread.CurrentThread != _thread) end.GetAwaiter().GetResult();
    }

    private void Live()
    {
        try
        {
            while (true)
            {
                // Without a job there is nothing to do but wait for one.
                while (_arriving.TryTake(out ITorchJob? job, _jobs.Count == 0 ? Timeout.Infinite : 0)) _jobs.Add(job);
                if (_jobs.Count == 0) return;
                _jobs.RemoveAll(job => !job.Step(_stopping));
            }
        }
        finally
        {
            End();
        }
    }

    private void End()
    {
        try
        {
            _ended();
            _end.SetResult();
        }
        catch (Exception failure)
        {
            _end.SetException(failure);
        }
    }
}
