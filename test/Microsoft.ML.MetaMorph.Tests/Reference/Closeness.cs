using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Comparisons with published figures.</summary>
/// <remarks>
/// A figure that is no finite number would make its own distance and its own tolerance infinite, and infinity is not more than infinity: such
/// figures are told apart before anything is subtracted, and fail.
/// </remarks>
internal static class Closeness
{
    /// <summary>Equal shapes, and every element within <paramref name="tolerance"/> (absolute) of the expected one.</summary>
    /// <param name="expected">The published figures.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="tolerance">The largest distance allowed.</param>
    /// <param name="what">Begins the message.</param>
    /// <param name="minusInfinity">Whether −∞ is a value that these figures have on purpose, as masked logits do; ours must then be −∞ as well.</param>
    public static void AreClose(Tensor expected, Tensor actual, double tolerance, string what, bool minusInfinity = false)
    {
        using var scope = NewDisposeScope();
        (Tensor wanted, Tensor got) = Doubles(expected, actual, what);
        RequireUsable(tolerance, what);
        Tensor right = BothFinite(wanted, got).logical_and((got - wanted).abs() <= tolerance);
        if (minusInfinity) right = right.logical_or(wanted.isneginf().logical_and(got.isneginf()));
        if (right.all().item<bool>()) return;
        RequireFinite(wanted, minusInfinity ? right.logical_or(wanted.isneginf()) : right, what);
        Tensor distance = (got - wanted).abs();
        Tensor worst = distance.masked_fill(right, -1).masked_fill(distance.isfinite().logical_not().logical_and(right.logical_not()), double.PositiveInfinity);
        long at = worst.flatten().argmax().item<long>();
        (double a, double b) = (wanted.flatten()[at].item<double>(), got.flatten()[at].item<double>());
        throw new AssertFailedException(FormattableString.Invariant($"{what} differs by {Math.Abs(b - a):E2}, allowed {tolerance:E2}: {Element(wanted.shape, at)} is {b:R}, expected {a:R}"));
    }

    /// <summary>Equal shapes, and ‖actual − expected‖ ≤ tolerance · ‖expected‖.</summary>
    public static void AreRelativelyClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        (Tensor wanted, Tensor got) = Doubles(expected, actual, what);
        RequireUsable(tolerance, what);
        RequireFinite(wanted, wanted.isfinite(), what);
        double norm = Math.Max(wanted.norm().item<double>(), 1e-12), difference = (got - wanted).norm().item<double>();
        // The squares of large doubles overflow: then neither norm says anything.
        if (!double.IsFinite(norm)) throw new AssertFailedException($"{what}: the norm of the figures is {norm}: nothing is near or far from it");
        if (!(difference <= tolerance * norm)) throw new AssertFailedException(FormattableString.Invariant($"{what} differs by {difference / norm:E2} of its norm, allowed {tolerance:E2}"));
    }

    /// <summary>Within <paramref name="tolerance"/> (absolute) of the expected number.</summary>
    public static void AreClose(double expected, double actual, double tolerance, string what)
    {
        if (!double.IsFinite(expected)) throw new AssertFailedException($"{what}: the figure is {expected}, which nothing can be compared with");
        RequireUsable(tolerance, what);
        if (!(Math.Abs(actual - expected) <= tolerance)) throw new AssertFailedException(FormattableString.Invariant($"{what} is {actual:R}, expected {expected:R}, allowed {tolerance:E2}"));
    }

    private static (Tensor Wanted, Tensor Got) Doubles(Tensor expected, Tensor actual, string what)
    {
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"{what}: shape [{string.Join(", ", actual.shape)}], expected [{string.Join(", ", expected.shape)}]");
        return (expected.detach().cpu().to(ScalarType.Float64), actual.detach().cpu().to(ScalarType.Float64));
    }

    private static Tensor BothFinite(Tensor wanted, Tensor got) => wanted.isfinite().logical_and(got.isfinite());

    /// <summary>An infinite tolerance allows everything.</summary>
    private static void RequireUsable(double tolerance, string what)
    {
        if (!double.IsFinite(tolerance) || tolerance < 0) throw new AssertFailedException($"{what}: the tolerance is {tolerance}; it must be a finite number, 0 or more");
    }

    private static void RequireFinite(Tensor wanted, Tensor unless, string what)
    {
        Tensor wrong = wanted.isfinite().logical_or(unless).logical_not().flatten();
        if (!wrong.any().item<bool>()) return;
        long at = wrong.to(ScalarType.Int32).argmax().item<long>();
        throw new AssertFailedException($"{what}: the figure {Element(wanted.shape, at)} is {wanted.flatten()[at].item<double>()}, which nothing can be compared with");
    }

    /// <summary>The position of an element counted in row-major order: [row, column].</summary>
    private static string Element(long[] shape, long at)
    {
        var indices = new long[shape.Length];
        for (int i = shape.Length - 1; i >= 0; i--) (at, indices[i]) = (at / shape[i], at % shape[i]);
        return $"[{string.Join(", ", indices)}]";
    }
}
