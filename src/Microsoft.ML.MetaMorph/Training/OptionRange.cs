namespace Microsoft.ML.MetaMorph;

/// <summary>Refuses options of a training that are out of range.</summary>
internal static class OptionRange
{
    // Published recipes have 0 to 0.1; what is far above makes the weights themselves grow without end, for a step takes learning rate times decay of them off.
    private const double WeightDecayLimit = 100;

    /// <exception cref="ArgumentOutOfRangeException">The value is not valid; option, value and range are named.</exception>
    public static void Check(string name, object? value, bool isValid, string range)
    {
        if (!isValid) throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}.");
    }

    /// <summary>Refuses a value that its enumeration does not name, such as a number that was cast.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Option, value and possible values are named.</exception>
    public static void Check<T>(string name, T value)
        where T : struct, Enum
        => Check(name, value, Enum.IsDefined(value), "one of " + string.Join(", ", Enum.GetNames<T>()));

    /// <summary>Refuses what no training can do; each training checks its other options itself.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Option, value and range are named.</exception>
    public static void Check(ITrainingOptions options)
    {
        Check(nameof(options.MaximumSteps), options.MaximumSteps, options.MaximumSteps is null or >= 1, "at least 1");
        Check(nameof(options.MaximumSeconds), options.MaximumSeconds, options.MaximumSeconds is null or (> 0 and < double.PositiveInfinity), "above 0");
        Check(nameof(options.BatchSize), options.BatchSize, options.BatchSize >= 1, "at least 1");
        Check(nameof(options.Schedule), options.Schedule);
        Check(nameof(options.WarmupRatio), options.WarmupRatio, options.WarmupRatio is >= 0 and < 1, "at least 0 and below 1");
        Check(nameof(options.WeightDecay), options.WeightDecay, options.WeightDecay is >= 0 and <= WeightDecayLimit, FormattableString.Invariant($"from 0 to {WeightDecayLimit}"));
        Check(nameof(options.Beta1), options.Beta1, options.Beta1 is >= 0 and < 1, "at least 0 and below 1");
        Check(nameof(options.Beta2), options.Beta2, options.Beta2 is >= 0 and < 1, "at least 0 and below 1");
        Check(nameof(options.Epsilon), options.Epsilon, options.Epsilon is > 0 and < double.PositiveInfinity, "above 0");
        Check(nameof(options.MaximumGradientNorm), options.MaximumGradientNorm, options.MaximumGradientNorm is null or > 0, "above 0");
        Check(nameof(options.AveragingDecay), options.AveragingDecay, options.AveragingDecay is null or (> 0 and < 1), "above 0 and below 1");
        Check(nameof(options.Precision), options.Precision);
    }

    /// <summary>Whether a factor is finite and not below 0.</summary>
    public static bool IsFactor(double value) => value is >= 0 and < double.PositiveInfinity;
}
