using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class Conv2dTests
{
    /// <summary>Without gradients a picture that is small beside the weight is rearranged: channel by channel it is the same sum, and its channels come last again.</summary>
    [TestMethod]
    [DataRow(1L, 1L, 3)]
    [DataRow(1L, 1L, 16)]
    [DataRow(2L, 1L, 4)]
    [DataRow(1L, 0L, 5)]
    public void TheLayoutChangesNothing(long stride, long padding, int side)
    {
        using var scope = NewDisposeScope();
        using var layer = new Conv2d(new FreshParameters(CPU, new Generator(1, CPU)), 48, 40, stride: stride, padding: padding);
        Tensor input = ChannelsLast.Of(randn([2, 48, side, side], generator: new Generator(2, CPU)));
        Tensor expected = Patches(input, layer, stride, padding), actual;
        using (no_grad()) actual = layer.forward(input);
        TensorAssert.AreClose(expected, actual, 1e-5, "the convolution");
        Assert.AreEqual(1, actual.stride(1), "step from channel to channel");
        TensorAssert.AreClose(expected, layer.forward(input), 1e-5, "the convolution under autograd");
        Assert.IsTrue(layer.forward(input.contiguous()).is_contiguous(), "an input with its channels first gives such a result");
    }

    /// <summary>The definition: every patch times every filter, in double precision.</summary>
    private static Tensor Patches(Tensor input, Conv2d layer, long stride, long padding)
    {
        Tensor columns = nn.functional.unfold(input.contiguous().to(ScalarType.Float64), kernel_size: (3, 3), dilation: (1, 1), padding: (padding, padding), stride: (stride, stride));
        Tensor sums = einsum("oc,bcp->bop", layer.Weight.detach().to(ScalarType.Float64).flatten(1), columns) + layer.Bias.detach().to(ScalarType.Float64).view(1, -1, 1);
        long side = (input.size(2) + 2 * padding - 3) / stride + 1;
        return sums.view(input.size(0), -1, side, side);
    }
}
