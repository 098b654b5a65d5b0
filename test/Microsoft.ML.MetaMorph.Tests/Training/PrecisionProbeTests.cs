using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed partial class PrecisionProbeTests
{
    [TestMethod]
    public void AutoIsMeasuredOnceAndGivesAReason()
    {
        PrecisionChoice first = PrecisionProbe.Resolve(Precision.Auto, CPU), second = PrecisionProbe.Resolve(Precision.Auto, CPU);
        Assert.AreSame(first, second);
        Match reason = Reason().Match(first.Reason);
        Assert.IsTrue(reason.Success, first.Reason);
        double[] times = [.. reason.Groups.Values.Skip(1).Select(time => double.Parse(time.Value, CultureInfo.InvariantCulture))];
        // The reason's figures are rounded to a thousandth: both ends of what they may have been must not disagree with the choice.
        double least = (times[1] - 5e-4) / (times[0] + 5e-4), most = (times[1] + 5e-4) / (times[0] - 5e-4);
        if (first.ComputeType == ScalarType.BFloat16) Assert.IsLessThan(0.9, least, first.ToString());
        else Assert.IsGreaterThanOrEqualTo(0.9, most, first.ToString());
        Assert.AreEqual($"{(first.ComputeType == ScalarType.BFloat16 ? "BFloat16" : "Float32")} ({first.Reason})", first.ToString());
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

    [GeneratedRegex(@"^measured on cpu: float32 (\d+\.\d{3}) ms, bfloat16 (\d+\.\d{3}) ms$")]
    private static partial Regex Reason();
}
