using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class PrecisionProbeTests
{
    [TestMethod]
    public void AutoIsMeasuredOnceAndGivesAReason()
    {
        PrecisionChoice first = PrecisionProbe.Resolve(Precision.Auto, CPU), second = PrecisionProbe.Resolve(Precision.Auto, CPU);
        Assert.AreSame(first, second);
        Assert.IsTrue(first.ComputeType is ScalarType.Float32 or ScalarType.BFloat16);
        StringAssert.Contains(first.Reason, "measured");
    }

    [TestMethod]
    public void ForcingIsObeyed()
    {
        Assert.AreEqual(ScalarType.Float32, PrecisionProbe.Resolve(Precision.Float32, CPU).ComputeType);
        Assert.AreEqual(ScalarType.BFloat16, PrecisionProbe.Resolve(Precision.BFloat16, CPU).ComputeType);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PrecisionProbe.Resolve((Precision)7, CPU));
    }

    [TestMethod]
    public void ApplyReachesTheModuleItselfAndEveryLayerBelow()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        var source = new FreshParameters(CPU, generator);
        using var layers = new ModuleList<Linear>([new Linear(source["0"], 4, 4), new Linear(source["1"], 4, 4)]);
        PrecisionProbe.Apply(layers, new PrecisionChoice(ScalarType.BFloat16, "test"));
        Assert.IsTrue(layers.All(l => l.ComputeType == ScalarType.BFloat16));
        PrecisionProbe.Apply(layers[0], new PrecisionChoice(ScalarType.Float32, "test"));
        Assert.AreEqual(ScalarType.Float32, layers[0].ComputeType);
        Assert.AreEqual(ScalarType.BFloat16, layers[1].ComputeType);
    }
}
