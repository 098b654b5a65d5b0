using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed partial class PrecisionProbeTests
{
    [TestMethod]
    [DataRow(4, 64)]
    [DataRow(1024, 1024)]
    public void AutoIsMeasuredOnceForAWidthAndGivesAReason(int width, int measured)
    {
        using var scope = NewDisposeScope();
        using var model = new Linear(new FreshParameters(CPU, new Generator(1)), width, width);
        using var other = new Linear(new FreshParameters(CPU, new Generator(1)), width, width);
        PrecisionChoice first = PrecisionProbe.Resolve(Precision.Auto, model, CPU), second = PrecisionProbe.Resolve(Precision.Auto, other, CPU);
        Assert.AreSame(first, second);
        Match reason = Reason().Match(first.Reason);
        Assert.IsTrue(reason.Success, first.Reason);
        Assert.AreEqual(measured, int.Parse(reason.Groups[1].Value, CultureInfo.InvariantCulture));
        double[] times = [.. reason.Groups.Values.Skip(2).Select(time => double.Parse(time.Value, CultureInfo.InvariantCulture))];
        // The reason's figures are rounded to a thousandth: both ends of what they may have been must not disagree with the choice.
        double least = (times[1] - 5e-4) / (times[0] + 5e-4), most = (times[1] + 5e-4) / (times[0] - 5e-4);
        if (first.ComputeType == ScalarType.BFloat16) Assert.IsLessThan(1 / 1.5, least, first.ToString());
        else Assert.IsGreaterThanOrEqualTo(1 / 1.5, most, first.ToString());
        Assert.AreEqual($"{(first.ComputeType == ScalarType.BFloat16 ? "BFloat16" : "Float32")} ({first.Reason})", first.ToString());
    }

    [TestMethod]
    public void ForcingIsObeyed()
    {
        using var scope = NewDisposeScope();
        using var model = new Linear(new FreshParameters(CPU, new Generator(1)), 4, 4);
        Assert.AreEqual(ScalarType.Float32, PrecisionProbe.Resolve(Precision.Float32, model, CPU).ComputeType);
        Assert.AreEqual(ScalarType.BFloat16, PrecisionProbe.Resolve(Precision.BFloat16, model, CPU).ComputeType);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => PrecisionProbe.Resolve((Precision)7, model, CPU));
    }

    [TestMethod]
    [DataRow("3,5", 64)]                       // nothing is narrower
    [DataRow("4000,3000", 1024)]               // nor wider
    [DataRow("100,400", 128)]                  // 2 · 100 · 400 / 500 = 160, which is nearer to 128 than to 256 in halvings
    [DataRow("200,400", 256)]                  // 267
    [DataRow("64,64;512,512", 512)]            // (64² · 64 + 512² · 512) / (64² + 512²) = 505
    [DataRow("128,128;128,128;256,256", 256)]  // (2 · 128³ + 256³) / (2 · 128² + 256²) = 213
    [DataRow("", 1024)]                        // no layer at all
    public void TheWidthOfAModelIsThatOfTheLayersWithMostProducts(string layers, int expected)
    {
        using var scope = NewDisposeScope();
        var source = new MetaParameters();
        using var model = new ModuleList<Linear>([.. layers.Split(';', StringSplitOptions.RemoveEmptyEntries).Select((layer, i) =>
        {
            int[] sizes = [.. layer.Split(',').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
            return new Linear(source[$"{i}"], sizes[0], sizes[1]);
        })]);
        Assert.AreEqual(expected, PrecisionProbe.LayerWidth(model));
    }

    [TestMethod]
    public void AConvolutionCountsTheInputsOfItsKernel()
    {
        using var scope = NewDisposeScope();
        using var model = new Conv2d(new MetaParameters(), 64, 128, kernel: 3);
        // 2 · (64 · 9) · 128 / (64 · 9 + 128) = 209
        Assert.AreEqual(256, PrecisionProbe.LayerWidth(model));
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

    [GeneratedRegex(@"^measured on cpu for layers of (\d+): float32 (\d+\.\d{3}) ms, bfloat16 (\d+\.\d{3}) ms$")]
    private static partial Regex Reason();
}
