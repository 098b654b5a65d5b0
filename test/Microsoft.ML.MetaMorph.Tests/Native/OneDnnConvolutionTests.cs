using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class OneDnnConvolutionTests
{
    [TestMethod]
    [DataRow(3L, 1L, 1L, 1L)]
    [DataRow(3L, 2L, 1L, 1L)]
    [DataRow(3L, 2L, 0L, 0L)]
    [DataRow(3L, 1L, 0L, 1L)]       // a piece of a picture brings its neighbours' rows along
    [DataRow(1L, 2L, 0L, 0L)]
    [DataRow(5L, 1L, 2L, 2L)]
    public void ArrangedWeightsGiveThePlainConvolution(long kernel, long stride, long rowPadding, long columnPadding)
    {
        if (!OneDnnConvolution.IsAvailable) Assert.Inconclusive("this libtorch has no oneDNN interface");
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        manual_seed(1);
        // Each of the products that are summed may be rounded by some 1e-7 of a few units.
        double rounding = 1e-6 * 6 * kernel * kernel;
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.BFloat16 })
        {
            Tensor picture = ChannelsLast.Of(randn(2, 6, 9, 7)).to(type), weight = randn(10, 6, kernel, kernel).to(type), bias = randn(10).to(type);
            if (!OneDnnConvolution.Serves(picture, type)) continue;        // a processor whose oneDNN has no bfloat16
            Tensor expected = F.conv2d(picture.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias.to(ScalarType.Float64), [stride, stride], [rowPadding, columnPadding]);
            Tensor arranged = OneDnnConvolution.Arrange(weight, stride, 1);
            Tensor result = OneDnnConvolution.Forward(picture, arranged, bias, stride, rowPadding, columnPadding);
            Assert.AreEqual(type, result.dtype);
            TensorAssert.AreClose(expected, result, type == ScalarType.Float32 ? rounding : 0.15, $"{type}, kernel {kernel}, stride {stride}");
        }
    }

    [TestMethod]
    public void ALayerWithFixedWeightsKeepsTheFormatOfItsInputAndTheFileOfItsWeights()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var layer = new Conv2d(TinyDiffusion.Fresh(), 6, 10);
        Tensor picture = randn(2, 6, 8, 8), lying = ChannelsLast.Of(picture), expected = layer.forward(picture), weight = layer.Weight.clone();
        PrecisionProbe.Apply(layer, new PrecisionChoice(ScalarType.Float32, "asked for"), isFixed: true);
        Tensor contiguous = layer.forward(picture), last = layer.forward(lying);
        TensorAssert.AreClose(expected, contiguous, 1e-5, "contiguous");
        TensorAssert.AreClose(expected, last, 1e-5, "channels last");
        Assert.IsTrue(contiguous.is_contiguous(), "contiguous stays so");
        Assert.IsTrue(last.permute(0, 2, 3, 1).is_contiguous(), "channels last stays so");
        TensorAssert.AreIdentical(weight, layer.Weight, "the weight itself");
    }
}
