namespace Microsoft.ML.MetaMorph;

/// <summary>How far training has come, by steps or by time, and the learning rate there.</summary>
internal sealed class TrainingPace
{
    // A schedule over time has no steps of its own; its end is put at this many.
    private const double TimedSteps = 1e6;

    private readonly TimeProvider _clock;
    private readonly long _begin;
    private readonly TimeSpan _spent;
    private readonly double? _seconds;
    private readonly LearningRateSchedule _schedule;

    /// <summary>The pace of Visual-Predictive Instruction Tuning, which visits rows epoch by epoch.</summary>
    /// <param name="options">Epochs, steps, seconds, and the curve.</param>
    /// <param name="rowsOfAnEpoch">Null where nobody knows it.</param>
    /// <param name="clock">The clock of the budget.</param>
    /// <param name="spent">What earlier runs of the training took of it.</param>
    public TrainingPace(VisualPredictiveTrainingOptions options, long? rowsOfAnEpoch, TimeProvider clock, TimeSpan spent = default)
    {
        _clock = clock;
        _spent = spent;
        _begin = clock.GetTimestamp();
        _seconds = options.MaximumSeconds;
        Epochs = options.Epochs ?? (options.MaximumSteps is null && options.MaximumSeconds is null ? 1 : int.MaxValue);
        TotalSteps = Steps(options, rowsOfAnEpoch);
        if (TotalSteps is null && _seconds is null)
            throw new InvalidOperationException("The rows have no known number: give MaximumSteps or MaximumSeconds.");
        double total = _seconds is null ? TotalSteps!.Value : TimedSteps;
        _schedule = new LearningRateSchedule
        {
            Kind = options.Schedule,
            BaseRate = options.PeakRate,
            TotalSteps = total,
            WarmupSteps = LearningRateSchedule.WarmupFor(options.WarmupRatio, total),
            MinimumRate = options.MinimumLearningRate,
        };
    }

    /// <summary>A pace by a number of steps, by seconds, or by whichever ends first.</summary>
    /// <param name="schedule">The curve; its length and warm-up are set here.</param>
    /// <param name="warmupRatio">The share of the training in which the rate rises.</param>
    /// <param name="steps">Steps in all, or null.</param>
    /// <param name="seconds">A budget of time, or null; the curve follows it where it is given.</param>
    /// <param name="clock">The clock of the budget.</param>
    /// <param name="spent">What earlier runs of the training took of it.</param>
    public TrainingPace(LearningRateSchedule schedule, double warmupRatio, long? steps, double? seconds, TimeProvider clock, TimeSpan spent = default)
    {
        if (steps is null && seconds is null) throw new ArgumentException("A number of steps or of seconds is needed.", nameof(steps));
        _clock = clock;
        _spent = spent;
        _begin = clock.GetTimestamp();
        _seconds = seconds;
        Epochs = int.MaxValue;
        TotalSteps = steps;
        double total = seconds is null ? steps!.Value : TimedSteps;
        _schedule = schedule with { TotalSteps = total, WarmupSteps = LearningRateSchedule.WarmupFor(warmupRatio, total) };
    }

    public int Epochs { get; }

    /// <summary>Steps in all; null where only time ends the training.</summary>
    public long? TotalSteps { get; }

    /// <summary>The time that the training took, of all its runs together.</summary>
    public TimeSpan Elapsed => _spent + _clock.GetElapsedTime(_begin);

    /// <summary>Whether a step may begin.</summary>
    public bool MayBegin(long step) => !(step >= TotalSteps) && !(Elapsed.TotalSeconds >= _seconds);

    /// <summary>The share of the training that is done before a step, in [0, 1].</summary>
    public double Share(long step)
    {
        double byTime = _seconds is { } seconds ? Elapsed.TotalSeconds / seconds : 0;
        double bySteps = TotalSteps is { } total ? (double)step / total : 0;
        return Math.Min(1, Math.Max(byTime, bySteps));
    }

    /// <summary>The learning rate of a step, counted from 0.</summary>
    public double RateAt(long step) => _schedule.RateAt(_seconds is null ? step : Share(step) * TimedSteps);

    private long? Steps(VisualPredictiveTrainingOptions options, long? rows)
    {
        if (rows is 0) throw new InvalidOperationException("There are no rows to train on.");
        long? byEpochs = rows is { } count && Epochs != int.MaxValue ? Epochs * ((count + options.BatchSize - 1) / options.BatchSize) : null;
        return options.MaximumSteps is { } maximum ? Math.Min(maximum, byEpochs ?? long.MaxValue) : byEpochs;
    }
}
