namespace Microsoft.ML.MetaMorph;

/// <summary>erf, which .NET lacks.</summary>
internal static class ErrorFunction
{
    private const double SeriesLimit = 2.5, Saturated = 6;

    /// <summary>Within 1e-14 of the exact value.</summary>
    public static double Erf(double x)
    {
        double magnitude = Math.Abs(x);
        if (magnitude >= Saturated) return Math.Sign(x);
        return magnitude < SeriesLimit ? Series(x) : Math.CopySign(1 - Complement(magnitude), x);
    }

    /// <summary>Abramowitz and Stegun 7.1.6: every term is positive, so nothing cancels.</summary>
    private static double Series(double x)
    {
        double square = 2 * x * x, term = 1, sum = 1;
        for (int n = 3; term > 1e-17 * sum; n += 2)
        {
            term *= square / n;
            sum += term;
        }
        return 2 / Math.Sqrt(Math.PI) * x * Math.Exp(-x * x) * sum;
    }

    /// <summary>The continued fraction of erfc (Abramowitz and Stegun 7.1.14), from the inside out.</summary>
    private static double Complement(double x)
    {
        double fraction = x;
        for (int k = 40; k >= 1; k--) fraction = x + k / 2.0 / fraction;
        return Math.Exp(-x * x) / Math.Sqrt(Math.PI) / fraction;
    }
}
