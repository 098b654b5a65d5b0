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

    /// <summary>The same element type, shape and bytes, not-a-numbers included.</summary>
    public static void AreIdentical(Tensor expected, Tensor actual, string what)
    {
        Assert.AreEqual(expected.dtype, actual.dtype, $"element type of {what}");
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"shape of {what}");
        if (expected.numel() == 0) return;
        using var scope = NewDisposeScope();
        ReadOnlySpan<byte> wanted = expected.contiguous().bytes, got = actual.detach().cpu().contiguous().bytes;
        Assert.AreEqual(-1, wanted.SequenceEqual(got) ? -1 : wanted.CommonPrefixLength(got), $"first byte that differs in {what}");
    }

    /// <summary>Runs <paramref name="action"/>, which must throw <typeparamref name="T"/> (or a kind of it) whose message holds every text.</summary>
    public static T Throws<T>(Action action, params string[] texts)
        where T : Exception
    {
        T error = Assert.Throws<T>(action);
        foreach (string text in texts) StringAssert.Contains(error.Message, text);
        return error;
    }
}
