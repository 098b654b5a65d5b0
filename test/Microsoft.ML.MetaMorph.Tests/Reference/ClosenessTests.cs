using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Comparisons with figures fail where they should, and say where.</summary>
[TestClass]
public sealed class ClosenessTests
{
    private static readonly double[] NotFinite = [double.PositiveInfinity, double.NegativeInfinity, double.NaN];

    [TestMethod]
    public void WhatIsNearPassesAndWhatIsFarIsNamed()
    {
        using var scope = NewDisposeScope();
        Tensor figures = tensor(new[] { 1f, 2, 3, 4 }).view(2, 2), ours = figures.clone();
        ours[1, 0] = 3.5f;
        Closeness.AreClose(figures, ours, 0.5, "it");
        Closeness.AreRelativelyClose(figures, ours, 0.1, "it");
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(figures, ours, 0.4, "it"), "it differs by 5.00E-001, allowed 4.00E-001: [1, 0] is 3.5, expected 3");
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreRelativelyClose(figures, ours, 0.01, "it"), "it differs by 9.13E-002 of its norm, allowed 1.00E-002");
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(figures, ours.flatten(), 1, "it"), "it: shape [4], expected [2, 2]");
        Closeness.AreClose(3, 3.5, 0.5, "it");
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(3, 3.5, 0.4, "it"), "it is 3.5, expected 3, allowed 4.00E-001");
    }

    [TestMethod]
    public void AFigureThatIsNotFiniteFailsWhateverOursIs()
    {
        using var scope = NewDisposeScope();
        foreach (double value in NotFinite)
        {
            Tensor figures = tensor(new[] { 1.0, 2, value, 4 }).view(2, 2);
            string expected = $"it: the figure [1, 0] is {value}, which nothing can be compared with";
            foreach (Tensor ours in new[] { ones(2, 2, ScalarType.Float64), figures })
            {
                TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(figures, ours, 1e300, "it"), expected);
                TensorAssert.Throws<AssertFailedException>(() => Closeness.AreRelativelyClose(figures, ours, 1, "it"), expected);
            }
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(value, value, 1, "it"), $"it: the figure is {value}, which nothing can be compared with");
        }
    }

    [TestMethod]
    public void OursThatIsNotFiniteFails()
    {
        using var scope = NewDisposeScope();
        foreach (double value in NotFinite)
        {
            Tensor figures = ones(2, ScalarType.Float64), ours = tensor(new[] { 1.0, value });
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(figures, ours, 1e300, "it"), FormattableString.Invariant($"[1] is {value:R}, expected 1"));
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreRelativelyClose(figures, ours, 1, "it"), "of its norm");
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(1, value, 1, "it"), FormattableString.Invariant($"it is {value:R}, expected 1"));
        }
    }

    [TestMethod]
    public void MinusInfinityMeantSoIsRightWhereOursIsTheSame()
    {
        using var scope = NewDisposeScope();
        const double Out = double.NegativeInfinity;
        Tensor masked = tensor(new[] { 1, Out, 3 });
        Closeness.AreClose(masked, tensor(new[] { 1.25, Out, 3 }), 0.25, "it", minusInfinity: true);
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(masked, tensor(new[] { 1.0, 2, 3 }), 1, "it", minusInfinity: true), "[1] is 2, expected -Infinity");
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(masked, tensor(new[] { 1.0, Out, Out }), 1, "it", minusInfinity: true), "[2] is -Infinity, expected 3");
        Tensor positive = tensor(new[] { 1, double.PositiveInfinity });
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(positive, positive, 1, "it", minusInfinity: true), "the figure [1] is");
    }

    [TestMethod]
    public void NeitherAnInfiniteToleranceNorAnOverflowingNormAllowsEverything()
    {
        using var scope = NewDisposeScope();
        Tensor figures = ones(2), large = full(2, 1e300, ScalarType.Float64);
        foreach (double tolerance in (double[])[.. NotFinite, -1])
        {
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(figures, figures, tolerance, "it"), $"it: the tolerance is {tolerance}");
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreRelativelyClose(figures, figures, tolerance, "it"), $"it: the tolerance is {tolerance}");
            TensorAssert.Throws<AssertFailedException>(() => Closeness.AreClose(1, 1, tolerance, "it"), $"it: the tolerance is {tolerance}");
        }
        TensorAssert.Throws<AssertFailedException>(() => Closeness.AreRelativelyClose(large, -large, 1e-3, "it"), "it: the norm of the figures is");
    }
}
