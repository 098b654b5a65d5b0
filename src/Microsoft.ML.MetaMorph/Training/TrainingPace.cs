namespace Microsoft.ML.MetaMorph;

/// <summary>How far training has come, by steps or by time, and the learning rate there.</summary>
internal sealed class TrainingPace
{
    // A schedule over time has no steps of its own; its end is put at this many.
    private const double TimedSteps = 1e6;

    private readonly TimeProvider _clock;
    private readonly long _begin;
    private readonly double? _seconds;
    private readonly LearningRateSchedule _schedule;

    public TrainingPace(VisualPredictiveTrainingOptions options, long? rowsOfAnEpoch, TimeProvider clock)
    {
        _clock = clock;
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

    public int Epochs { get; }

    /// <summary>Steps in all; null where only time ends the training.</summary>
    public long? TotalSteps { get; }

    public TimeSpan Elapsed => _clock.GetElapsedTime(_begin);

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
