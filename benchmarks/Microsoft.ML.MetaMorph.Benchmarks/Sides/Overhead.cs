namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Times a pipeline beside direct calls, in turns that change their order, so that both see the same machine.</summary>
internal static class Overhead
{
    /// <param name="repeats">Turns of each.</param>
    /// <param name="units">Rows of a turn.</param>
    /// <param name="direct">Gives a sum over its results.</param>
    /// <param name="pipeline">Must give the same sum.</param>
    public static SideResult Measure(int repeats, int units, Func<double> direct, Func<double> pipeline)
    {
        SideReport.Event(SideReport.Ready);
        double directSum = direct(), pipelineSum = pipeline();
        if (Math.Abs(directSum - pipelineSum) > 1e-6 * Math.Abs(directSum))
            throw new InvalidOperationException($"The pipeline gives {pipelineSum:R}, the direct calls {directSum:R}: they did not compute the same.");
        SideReport.Event(SideReport.Warm);
        double[] own = new double[repeats], through = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            // Whoever goes second may find the other's memory warm, or the processor hot.
            if (i % 2 == 0) own[i] = SideReport.Time(() => direct());
            through[i] = SideReport.Time(() => pipeline());
            if (i % 2 == 1) own[i] = SideReport.Time(() => direct());
        }
        return new SideResult { Seconds = through, Units = units, Figures = new() { ["directSeconds"] = Spread.Of(own).Median, ["overhead"] = Spread.Of(through).Median / Spread.Of(own).Median - 1 } };
    }
}
