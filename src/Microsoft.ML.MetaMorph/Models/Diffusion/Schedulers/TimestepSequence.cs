namespace Microsoft.ML.MetaMorph;

/// <summary>The timesteps of a sampling, from the noisiest to the cleanest, as NumPy gives them: halves are rounded to even.</summary>
internal static class TimestepSequence
{
    /// <summary><paramref name="steps"/> timesteps among <paramref name="trainingSteps"/>.</summary>
    /// <param name="spacing">Where they lie.</param>
    /// <param name="trainingSteps">T: timesteps of training are 0 … T − 1.</param>
    /// <param name="steps">From 1 to T.</param>
    /// <param name="offset">Added to each of <see cref="TimestepSpacing.Leading"/>.</param>
    /// <param name="rounded">Whether those of <see cref="TimestepSpacing.Linspace"/> are whole numbers.</param>
    public static double[] Create(TimestepSpacing spacing, int trainingSteps, int steps, int offset, bool rounded) => spacing switch
    {
        TimestepSpacing.Leading => Leading(trainingSteps / steps, steps, offset),
        TimestepSpacing.Linspace => [.. Linspace(0, trainingSteps - 1, steps).Reverse().Select(t => rounded ? Math.Round(t) : (float)t)],
        TimestepSpacing.Trailing => Trailing(trainingSteps, (double)trainingSteps / steps, steps),
        _ => throw new ArgumentOutOfRangeException(nameof(spacing), spacing, "Unknown timestep spacing."),
    };

    /// <summary>offset + (count − 1)·stride, …, offset.</summary>
    public static double[] Leading(int stride, int count, int offset) => [.. Enumerable.Range(0, count).Select(i => (double)((count - 1 - i) * stride + offset))];

    /// <summary><paramref name="count"/> whole numbers, each <paramref name="stride"/> below the one before, beginning one below <paramref name="end"/>.</summary>
    public static double[] Trailing(int end, double stride, int count)
    {
        // The difference of the first two elements is what NumPy's arange goes on with.
        double difference = end - stride - end;
        return [.. Enumerable.Range(0, count).Select(i => Math.Round(end + i * difference) - 1)];
    }

    /// <summary>Evenly spaced values, both ends included.</summary>
    public static double[] Linspace(double begin, double end, int count)
    {
        if (count == 1) return [begin];
        double step = (end - begin) / (count - 1);
        return [.. Enumerable.Range(0, count).Select(i => i == count - 1 ? end : i * step + begin)];
    }
}
