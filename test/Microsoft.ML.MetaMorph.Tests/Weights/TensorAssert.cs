using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Exact comparison of tensors, not-a-numbers included.</summary>
internal static class TensorAssert
{
    public static void AreIdentical(Tensor expected, Tensor actual, string what)
    {
        Assert.AreEqual(expected.dtype, actual.dtype, $"element type of {what}");
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"shape of {what}");
        if (expected.numel() == 0) return;
        using var scope = NewDisposeScope();
        byte[] wanted = expected.contiguous().bytes.ToArray(), got = actual.detach().cpu().contiguous().bytes.ToArray();
        CollectionAssert.AreEqual(wanted, got, $"elements of {what}");
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
