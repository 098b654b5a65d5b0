using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Assertions over tensors.</summary>
internal static class TensorAssert
{
    /// <summary>Equal shapes, and every element within <paramref name="tolerance"/> of the expected one; a NaN is never close.</summary>
    public static void AreClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"shape of {what}");
        double difference = (expected.detach().to(ScalarType.Float64) - actual.detach().to(ScalarType.Float64)).abs().max().item<double>();
        Assert.IsTrue(difference <= tolerance, $"{what} differs by {difference:E2}, allowed {tolerance:E2}");
    }
}
