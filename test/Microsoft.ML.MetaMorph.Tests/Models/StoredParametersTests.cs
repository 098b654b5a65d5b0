using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class StoredParametersTests : FolderTests
{
    [TestMethod]
    public void ParametersAliasTheFileInItsOwnType()
    {
        using TensorArchive archive = Sample();
        var source = new StoredParameters(archive, CPU);
        using Parameter weight = source["layer"].Get("weight", [3, 4], default);
        using Tensor read = archive.Read("layer.weight");
        Assert.AreEqual(ScalarType.BFloat16, weight.dtype);
        Assert.AreEqual(TensorMemory.Address(read), TensorMemory.Address(weight), "no copy");
        Assert.IsFalse(weight.requires_grad);
    }

    [TestMethod]
    public void ConversionAndTrainingAreAskedFor()
    {
        using TensorArchive archive = Sample();
        var source = new StoredParameters(archive, CPU, ScalarType.Float32, name => name.Replace("tier", "layer", StringComparison.Ordinal), trainable: true);
        using Parameter weight = source["tier"].Get("weight", [3, 4], default), ids = source.Get("ids", [5], default);
        Assert.AreEqual(ScalarType.Float32, weight.dtype);
        Assert.IsTrue(weight.requires_grad);
        Assert.AreEqual(ScalarType.Int64, ids.dtype);
        Assert.IsFalse(ids.requires_grad, "integers take no gradient");
        using (no_grad()) weight.add_(1).Dispose();
    }

    [TestMethod]
    public void ParametersOutliveScopesAndTheArchive()
    {
        Parameter weight;
        using (NewDisposeScope())
        {
            using TensorArchive archive = Sample();
            weight = new StoredParameters(archive, CPU).Get("layer.weight", [3, 4], default);
        }
        Assert.AreEqual(12f, weight.to(ScalarType.Float32).sum().item<float>());
        weight.Dispose();
    }

    [TestMethod]
    public void MissingAndMisshapenTensorsAreNamed()
    {
        using TensorArchive archive = Sample();
        var source = new StoredParameters(archive, CPU);
        Assert.IsTrue(source["layer"].Has("weight"));
        Assert.IsFalse(source["layer"].Has("bias"));
        TensorAssert.Throws<InvalidDataException>(() => source["tier"].Get("weight", [3, 4], default), "model.safetensors", "'tier.weight'", "[3, 4]", "missing", "layer.weight");
        TensorAssert.Throws<InvalidDataException>(() => source["layer"].Get("weight", [4, 3], default), "model.safetensors", "'layer.weight'", "[3, 4]", "[4, 3]");
    }

    [TestMethod]
    public void TensorsThatNobodyAskedForAreReported()
    {
        using TensorArchive archive = Sample();
        var source = new StoredParameters(archive, CPU);
        source.Get("layer.weight", [3, 4], default).Dispose();
        CollectionAssert.AreEqual(new[] { "ids" }, source.Unused().ToArray());
        TensorAssert.Throws<InvalidDataException>(() => source.RefuseUnused(), "model.safetensors", "ids");
        source.RefuseUnused(name => name == "ids");
    }

    private TensorArchive Sample()
    {
        using Tensor weight = ones(3, 4, dtype: ScalarType.BFloat16), ids = zeros(5, dtype: ScalarType.Int64);
        SafeTensorsWriter.WriteSharded(Folder.Path, [new("layer.weight", weight), new("ids", ids)]);
        return TensorArchive.Open(Folder.Path);
    }
}
