namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Median, least and largest of repeats.</summary>
internal readonly record struct Spread(double Median, double Least, double Largest)
{
    public static Spread Of(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0) throw new ArgumentException("There is nothing to take the median of.", nameof(values));
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }
}
