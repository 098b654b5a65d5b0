using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The operators that go past TorchSharp equal their portable compositions, in values and gradients, and both equal the textbook.</summary>
[TestClass]
public sealed class AtenTests
{
    [TestMethod]
    [DataRow(4, 4, false, false, null)]
    [DataRow(4, 4, true, false, null)]
    [DataRow(6, 2, true, false, null)]
    [DataRow(6, 2, false, true, null)]
    [DataRow(4, 4, false, true, 0.3)]
    [DataRow(6, 3, false, false, 0.7)]
    public void AttentionIsTheSameOnBothPaths(int heads, int sharedHeads, bool causal, bool masked, double? scale)
    {
        using var scope = NewDisposeScope();
        Tensor q = randn(2, heads, 7, 8), k = randn(2, sharedHeads, 7, 8), v = randn(2, sharedHeads, 7, 8);
        Tensor? mask = masked ? rand(2, 1, 7, 7).gt(0.3).logical_or(eye(7).to(ScalarType.Bool)) : null;
        Tensor[] expected = WithGradients((a, b, c) => Textbook(a, b, c, mask, causal, scale), q, k, v);
        foreach (bool enabled in (bool[])[true, false])
        {
            Tensor[] actual = On(enabled, () => WithGradients((a, b, c) => Aten.ScaledDotProductAttention(a, b, c, mask, causal, scale), q, k, v));
            for (int i = 0; i < expected.Length; i++) TensorAssert.AreClose(expected[i], actual[i], 1e-5, $"{(enabled ? "dispatched" : "composed")}, {(i == 0 ? "result" : $"gradient {i}")}");
        }
    }

    [TestMethod]
    public void RmsNormIsTheSameOnBothPaths()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(3, 5, 12), weight = randn(12);
        Tensor[] expected = WithGradients((a, w, _) => a / (a.pow(2).mean([-1L], keepdim: true) + 1e-5).sqrt() * w, x, weight, ones(1));
        foreach (bool enabled in (bool[])[true, false])
        {
            Tensor[] actual = On(enabled, () => WithGradients((a, w, _) => Aten.RmsNorm(a, w, 1e-5), x, weight, ones(1)));
            for (int i = 0; i < 3; i++) TensorAssert.AreClose(expected[i], actual[i], 2e-5, $"{(enabled ? "dispatched" : "composed")}, {(i == 0 ? "result" : $"gradient {i}")}");
        }
    }

    [TestMethod]
    public void ARefusedOperatorThrowsAndNamesItself()
    {
        if (!AtenDispatcher.IsAvailable) Assert.Inconclusive("libtorch's dispatcher cannot be called here.");
        using var scope = NewDisposeScope();
        Assert.AreEqual("The operator aten::rms_norm failed; libtorch wrote the reason to the error stream.", Assert.ThrowsExactly<InvalidOperationException>(() => Aten.RmsNorm(randn(2, 3), randn(4), 1e-5)).Message);
    }

    /// <summary>libtorch ends the process over a list that it cannot hold, so functions that refuse stand in for it.</summary>
    [TestMethod]
    public unsafe void ARefusedListThrowsAndNamesItsLength()
    {
        const string Message = "libtorch refused a list of 3 elements; it wrote the reason to the error stream.";
        Assert.AreEqual(Message, Assert.ThrowsExactly<InvalidOperationException>(() => AtenDispatcher.List([1, 2, 4], &Refuse, &Add)).Message, "at its beginning");
        Assert.AreEqual(Message, Assert.ThrowsExactly<InvalidOperationException>(() => AtenDispatcher.List([1, 3, 4], &Begin, &Add)).Message, "at an element");
        Assert.AreEqual(7ul, AtenDispatcher.List([1, 2, 4], &Begin, &Add), "accepted");
    }

    [UnmanagedCallersOnly]
    private static unsafe int Refuse(nuint length, nint* list) => 1;

    [UnmanagedCallersOnly]
    private static unsafe int Begin(nuint length, nint* list)
    {
        *list = 7;
        return 0;
    }

    /// <summary>Refuses the element 3.</summary>
    [UnmanagedCallersOnly]
    private static int Add(nint list, ulong slot) => slot == 3 ? 1 : 0;

    [TestMethod]
    public void ARefusedOneDnnProductThrowsAndNamesBothShapes()
    {
        if (!OneDnnLinear.IsAvailable) Assert.Inconclusive("this libtorch has no oneDNN interface");
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        string message = Assert.ThrowsExactly<InvalidOperationException>(() => OneDnnLinear.Forward(randn(16, 130), randn(200, 131), null)).Message;
        Assert.AreEqual("oneDNN refused a linear layer of [16, 130] by [200, 131]; libtorch wrote the reason to the error stream.", message);
    }

    private static Tensor Textbook(Tensor q, Tensor k, Tensor v, Tensor? mask, bool causal, double? scale)
    {
        long repeats = q.shape[1] / k.shape[1];
        Tensor scores = einsum("bhid,bhjd->bhij", q, k.repeat_interleave(repeats, 1)) * (scale ?? 1 / Math.Sqrt(q.shape[3]));
        if (causal) scores = scores.masked_fill(ones(q.shape[2], k.shape[2]).triu(1).to(ScalarType.Bool), double.NegativeInfinity);
        if (mask is not null) scores = scores.masked_fill(mask.logical_not(), double.NegativeInfinity);
        return einsum("bhij,bhjd->bhid", scores.softmax(-1), v.repeat_interleave(repeats, 1));
    }

    /// <summary>The result and the gradients of a weighted sum of it.</summary>
    private static Tensor[] WithGradients(Func<Tensor, Tensor, Tensor, Tensor> function, params Tensor[] inputs)
    {
        Tensor[] leaves = [.. inputs.Select(i => i.detach().clone().requires_grad_())];
        Tensor result = function(leaves[0], leaves[1], leaves[2]);
        (result * arange(result.numel()).view(result.shape).sin()).sum().backward();
        return [result, .. leaves.Select(l => l.grad ?? zeros_like(l))];
    }

    private static T On<T>(bool enabled, Func<T> function)
    {
        bool before = AtenDispatcher.IsEnabled;
        AtenDispatcher.IsEnabled = enabled;
        try
        {
            return function();
        }
        finally
        {
            AtenDispatcher.IsEnabled = before;
        }
    }
}
