namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The learning rate of each step: a warm-up from zero, then a curve. Formulas and their values past the end are those of
/// transformers (<c>get_scheduler</c>).
/// </summary>
internal sealed record LearningRateSchedule
{
    public required LearningRateScheduleKind Kind { get; init; }

    /// <summary>The peak.</summary>
    public required double BaseRate { get; init; }

    public required double TotalSteps { get; init; }

    public double WarmupSteps { get; init; }

    public WarmupShape Warmup { get; init; } = WarmupShape.Linear;

    /// <summary>Cosine waves: 0.5 for one fall; for restarts, the number of falls. Null: the kind's own.</summary>
    public double? Cycles { get; init; }

    /// <summary>The least rate of <see cref="LearningRateScheduleKind.CosineWithMinimum"/>, the last one of <see cref="LearningRateScheduleKind.Polynomial"/>.</summary>
    public double MinimumRate { get; init; }

    /// <summary>The exponent of <see cref="LearningRateScheduleKind.Polynomial"/>.</summary>
    public double Power { get; init; } = 1;

    /// <summary>Warm-up steps for a ratio of the whole, rounded up.</summary>
    public static double WarmupFor(double ratio, double totalSteps) => Math.Ceiling(ratio * totalSteps);

    /// <summary>lr · √(batch / reference batch), the paper's rule for other batch sizes.</summary>
    public static double ScaleRate(double rate, double batch, double referenceBatch) => rate * Math.Sqrt(batch / referenceBatch);

    /// <summary>The rate of a step, counted from 0. Fractions are allowed: a schedule may follow time instead of steps.</summary>
    public double RateAt(double step) => BaseRate * FactorAt(step);

    private double FactorAt(double step)
    {
        if (step < WarmupSteps) return WarmupFactor(step);
        double progress = (step - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps);
        return Kind switch
        {
            LearningRateScheduleKind.Constant => 1,
            LearningRateScheduleKind.Linear => Math.Max(0, (TotalSteps - step) / Math.Max(1, TotalSteps - WarmupSteps)),
            LearningRateScheduleKind.Cosine => Math.Max(0, Wave(progress)),
            LearningRateScheduleKind.CosineWithMinimum => Math.Max(0, Wave(progress) * (1 - MinimumRate / BaseRate) + MinimumRate / BaseRate),
            LearningRateScheduleKind.CosineWithRestarts => progress >= 1 ? 0 : Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * ((Cycles ?? 1) * progress % 1)))),
            LearningRateScheduleKind.Polynomial => Polynomial(step),
            LearningRateScheduleKind.InverseSquareRoot => InverseRoot(step),
            _ => throw new InvalidOperationException($"Unknown schedule {Kind}."),
        };
    }

    private double WarmupFactor(double step) => Warmup switch
    {
        WarmupShape.Linear => step / Math.Max(1, WarmupSteps),
        WarmupShape.Logarithmic => Math.Log(step + 1) / Math.Log(WarmupSteps + 1),
        _ => throw new InvalidOperationException($"Unknown warm-up {Warmup}."),
    };

    // Rises again past the end, as the published one does.
    private double Wave(double progress) => 0.5 * (1 + Math.Cos(Math.PI * (Cycles ?? 0.5) * 2 * progress));

    private double Polynomial(double step)
    {
        if (step > TotalSteps) return MinimumRate / BaseRate;
        double remaining = 1 - (step - WarmupSteps) / (TotalSteps - WarmupSteps);
        return ((BaseRate - MinimumRate) * Math.Pow(remaining, Power) + MinimumRate) / BaseRate;
    }

    private double InverseRoot(double step)
    {
        double scale = WarmupSteps > 0 ? WarmupSteps : 10_000;
        return 1 / Math.Sqrt((step + scale - WarmupSteps) / scale);
    }
}
