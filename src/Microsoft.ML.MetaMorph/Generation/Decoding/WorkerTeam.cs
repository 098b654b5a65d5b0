using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Fork and join in under a microsecond: workers that spin for a moment after their last job and then sleep. Items are handed out in
/// small ranges, and the caller works too; it waits only for workers that took part, so a worker that the system has put aside
/// (a busy machine) never holds up a job.
/// </summary>
/// <remarks>Thread-safe. A caller that finds the team at work for another one does its job alone.</remarks>
internal sealed class WorkerTeam : IDisposable
{
    private const int SpinsBeforeSleep = 2000;                   // about 30 µs: longer than the serial part between two jobs of a step
    private const long Open = 0x80, Members = 0x7F;
    private const int RoundShift = 8;

    private readonly Worker[] _workers;
    private Shared _shared;
    private TeamJob _job = NoJob.Instance;
    private int _count, _grain;
    private int _taken;
    private volatile bool _stopping;
    private Exception? _failure;

    /// <param name="threads">The number of threads with the caller: 1 to 127.</param>
    public WorkerTeam(int threads)
    {
        if (threads is < 1 or > 127) throw new ArgumentOutOfRangeException(nameof(threads), threads, $"{threads} threads; it must be between 1 and 127.");
        _workers = [.. Enumerable.Range(1, threads - 1).Select(number => new Worker(this, number))];
    }

    /// <summary>The number of threads, with the caller.</summary>
    public int Threads => _workers.Length + 1;

    /// <summary>Does every item once. Ranges have <paramref name="grain"/> items; a job of one range is done by the caller alone.</summary>
    public void Run(TeamJob job, int count, int grain)
    {
        if (count <= grain || _workers.Length == 0 || Interlocked.CompareExchange(ref _taken, 1, 0) != 0)
        {
            job.Run(0, count);
            return;
        }
        try
        {
            (_job, _count, _grain) = (job, count, grain);
            _shared.Next = 0;
            _failure = null;        // where caller and worker both failed, the caller's failure was thrown and the worker's is still here
            OpenRound();
            try
            {
                Work();
            }
            finally
            {
                CloseRound();
            }
            if (_failure is { } failure)
            {
                _failure = null;
                ExceptionDispatchInfo.Throw(failure);
            }
        }
        finally
        {
            Volatile.Write(ref _taken, 0);
        }
    }

    /// <summary>Ends the workers; the team must be idle.</summary>
    public void Dispose()
    {
        _stopping = true;
        foreach (Worker worker in _workers) worker.Stop();
    }

    private void OpenRound()
    {
        long round = (_shared.State >> RoundShift) + 1;
        Interlocked.Exchange(ref _shared.State, round << RoundShift | Open);
        foreach (Worker worker in _workers) worker.Wake();
    }

    private void CloseRound()
    {
        Interlocked.And(ref _shared.State, ~Open);
        var spinner = new SpinWait();
        while ((Volatile.Read(ref _shared.State) & Members) != 0)
        {
            if (spinner.Count < 10) Thread.SpinWait(4);
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    private void Work()
    {
        while (true)
        {
            int begin = Interlocked.Add(ref _shared.Next, _grain) - _grain;
            if (begin >= _count || begin < 0) return;
            _job.Run(begin, Math.Min(begin + _grain, _count));
        }
    }

    /// <summary>Takes part in the open round, if there is one that the worker has not seen.</summary>
    private bool TryJoin(ref long seen)
    {
        long state = Volatile.Read(ref _shared.State);
        if ((state & Open) == 0 || state >> RoundShift == seen) return false;
        if (Interlocked.CompareExchange(ref _shared.State, state + 1, state) != state) return false;
        seen = state >> RoundShift;
        try
        {
            Work();
        }
        catch (Exception failure)
        {
            _failure = failure;
        }
        finally
        {
            Interlocked.Decrement(ref _shared.State);
        }
        return true;
    }

    private bool HasNews(long seen)
    {
        long state = Volatile.Read(ref _shared.State);
        return (state & Open) != 0 && state >> RoundShift != seen;
    }

    /// <summary>The words that all threads write, each on a cache line of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Shared
    {
        /// <summary>Round number, one bit whether it is open, and how many workers take part.</summary>
        [FieldOffset(128)]
        public long State;

        [FieldOffset(256)]
        public int Next;
    }

    private sealed class NoJob : TeamJob
    {
        public static readonly NoJob Instance = new();

        public override void Run(int begin, int end)
        {
        }
    }

    private sealed class Worker
    {
        private readonly WorkerTeam _team;
        private readonly SemaphoreSlim _bell = new(0);
        private int _asleep;

        public Worker(WorkerTeam team, int number)
        {
            _team = team;
            new Thread(Live) { IsBackground = true, Name = $"MetaMorph decoding {number}" }.Start();
        }

        public void Wake()
        {
            if (Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1) _bell.Release();
        }

        /// <summary>The bell is rung whether the worker sleeps or not: it looks at the flag before it sleeps again.</summary>
        public void Stop()
        {
            Interlocked.Exchange(ref _asleep, 0);
            _bell.Release();
        }

        private void Live()
        {
            long seen = 0;
            int idle = 0;
            while (!_team._stopping)
            {
                if (_team.TryJoin(ref seen)) idle = 0;
                else if (++idle < SpinsBeforeSleep) Thread.SpinWait(1);
                else
                {
                    Sleep(seen);
                    idle = 0;
                }
            }
        }

        private void Sleep(long seen)
        {
            Interlocked.Exchange(ref _asleep, 1);                // before the last look: whoever opens a round after it sees the flag
            if (_team.HasNews(seen) && Interlocked.Exchange(ref _asleep, 0) == 1) return;
            _bell.Wait();
        }
    }
}
