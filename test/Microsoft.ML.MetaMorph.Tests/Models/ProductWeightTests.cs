using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ProductWeightTests
{
    private static readonly PrecisionChoice BFloat16 = PrecisionProbe.Resolve(Precision.BFloat16, new Linear(Fresh(), 4, 4), CPU);

    private static readonly SiglipVisionConfig Tower = new() { ImageSize = 28, PatchSize = 14, HiddenSize = 24, IntermediateSize = 40, HiddenLayers = 2, AttentionHeads = 3 };

    [TestMethod]
    public void KeptCopiesGiveWhatConversionsAtEachCallGive()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var tower = new SiglipVisionModel(Tower, Fresh());
        var network = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        Tensor pixels = randn(2, 3, 28, 28), noisy = randn(2, 4, 16, 16), condition = randn(2, 5, TinyDiffusion.UNet.CrossAttentionWidth);
        Check(tower, () => tower.Pooled(pixels));
        Check(network, () => network.Forward(noisy, tensor([3f, 700f]), condition));
    }

    [TestMethod]
    public void AWeightThatLearnsIsConvertedAnew()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var layer = new Linear(Fresh(), 8, 8);
        PrecisionProbe.Apply(layer, BFloat16);
        Tensor input = randn(3, 8), before = layer.forward(input);
        layer.Weight.mul_(2);
        TensorAssert.AreClose((before - layer.Bias!) * 2, layer.forward(input) - layer.Bias!, 0.05, "the product with a weight that was doubled");
        Assert.AreSame(layer.Weight, layer.ProductWeight.In(ScalarType.BFloat16), "nothing is kept");
    }

    [TestMethod]
    public void AWiderCopyIsNeverKept()
    {
        using var scope = NewDisposeScope();
        using var stored = new Parameter(ones(4, 4, dtype: ScalarType.BFloat16), requires_grad: false);
        using var weight = new ProductWeight(stored) { IsFixed = true };
        Assert.AreSame(stored, weight.In(ScalarType.Float32));
        Assert.AreSame(stored, weight.In(ScalarType.BFloat16));
    }

    [TestMethod]
    public void ACopyLetsThePagesOfTheFileGoAndTheyComeBack()
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("resident pages of a mapping are read from /proc");
        const long rows = 2048, bytes = rows * rows * sizeof(float);
        using var folder = new ScratchFolder();
        using Tensor values = randn(rows, rows);
        SafeTensorsWriter.Write(folder["weights.safetensors"], [new("weight", values), new("neighbour", values)]);
        using TensorArchive archive = TensorArchive.Open(folder["weights.safetensors"]);
        var parameters = new StoredParameters(archive, CPU);
        using Parameter stored = parameters.Get("weight", [rows, rows], Initialization.Zeros), neighbour = parameters.Get("neighbour", [rows, rows], Initialization.Zeros);
        TensorAssert.AreIdentical(values, stored, "weight");
        TensorAssert.AreIdentical(values, neighbour, "neighbour");
        Assert.IsGreaterThanOrEqualTo(2 * bytes, Resident(folder["weights.safetensors"]), "both were read");
        using (var weight = new ProductWeight(stored) { IsFixed = true })
        {
            Tensor copy = weight.In(ScalarType.BFloat16);
            long left = Resident(folder["weights.safetensors"]);
            Assert.IsLessThan(bytes + bytes / 10, left, "one is left");
            Assert.IsGreaterThanOrEqualTo(bytes, left, "the neighbour's pages stay");
            using Tensor converted = values.to(ScalarType.BFloat16);
            TensorAssert.AreIdentical(converted, copy, "the copy");
            Assert.AreSame(copy, weight.In(ScalarType.BFloat16), "made once");
        }
        TensorAssert.AreIdentical(values, stored, "the weight, read from the file again");
    }

    private static void Check(nn.Module model, Func<Tensor> compute)
    {
        var stored = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.clone());
        PrecisionProbe.Apply(model, BFloat16);
        Tensor expected = compute();
        PrecisionProbe.Apply(model, BFloat16, isFixed: true);
        TensorAssert.AreIdentical(expected, compute(), $"the first result of {model.GetName()}");
        TensorAssert.AreIdentical(expected, compute(), $"the second result of {model.GetName()}");
        foreach ((string name, Parameter parameter) in model.named_parameters()) TensorAssert.AreIdentical(stored[name], parameter, name);
        Assert.AreEqual(stored.Count, model.state_dict().Count, "copies are no part of the model");
    }

    /// <summary>Bytes of a file's mappings that are in memory.</summary>
    private static long Resident(string path)
    {
        long total = 0;
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Contains('-', StringComparison.Ordinal) && char.IsAsciiHexDigit(line[0]) && line.Split(' ')[0].Contains('-', StringComparison.Ordinal)) inside = line.EndsWith(path, StringComparison.Ordinal);
            else if (inside && line.StartsWith("Rss:", StringComparison.Ordinal)) total += 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        return total;
    }

    private static FreshParameters Fresh() => new(CPU, new Generator(7, CPU));
}
