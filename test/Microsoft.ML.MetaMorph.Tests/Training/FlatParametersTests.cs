using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class FlatParametersTests
{
    [TestMethod]
    public void ValuesStayAndBackwardFillsTheBuffer()
    {
        using var scope = NewDisposeScope();
        var first = new Parameter(arange(5, dtype: ScalarType.Float32));
        var second = new Parameter(arange(6, dtype: ScalarType.Float32).view(2, 3));
        using var flat = new FlatParameters([new ParameterGroup("all", [("first", first), ("second", second)])]);
        Assert.AreEqual(11, flat.Count);
        Assert.AreEqual(0, TensorMemory.Address(flat.Values) % 64);
        Assert.AreEqual(0, TensorMemory.Address(second) % 64);
        Assert.AreEqual(5, second[1, 2].item<float>());
        (first.sum() + (second * 3).sum()).backward();
        (second * 2).sum().backward();
        Assert.AreEqual(1, FlatParameters.View(flat.Gradients, flat.Slots[0])[4].item<float>());
        Assert.AreEqual(5, FlatParameters.View(flat.Gradients, flat.Slots[1])[1, 2].item<float>());
        Assert.AreEqual(Math.Sqrt(5 + 6 * 25), flat.GradientNorm(), 1e-5);
        flat.ZeroGradients();
        Assert.AreEqual(0, second.grad!.abs().max().item<float>());
    }

    [TestMethod]
    public void TheNormOfManyValuesIsExact()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(zeros(20_000_000));
        using var flat = new FlatParameters([new ParameterGroup("all", [("parameter", parameter)])]);
        flat.Gradients.fill_(0.1f);
        Assert.AreEqual(0.1 * Math.Sqrt(flat.Gradients.numel()), flat.GradientNorm(), 1e-3);
    }

    [TestMethod]
    public void TiedParametersAreOne()
    {
        using var scope = NewDisposeScope();
        var tied = new Parameter(ones(4));
        using var flat = new FlatParameters([new ParameterGroup("embedding", [("embedding", tied)]), new ParameterGroup("head", [("head", tied)], RateFactor: 3)]);
        Assert.AreEqual(1, flat.Slots.Count);
        Assert.AreEqual("embedding", flat.Slots[0].Name);
    }

    [TestMethod]
    public void FrozenGroupsKeepEveryBit()
    {
        using var scope = NewDisposeScope();
        var frozen = new Parameter(rand(7));
        var trained = new Parameter(rand(7));
        using Tensor before = frozen.detach().clone();
        using var flat = new FlatParameters([new ParameterGroup("frozen", [("frozen", frozen)], Trainable: false), new ParameterGroup("trained", [("trained", trained)])]);
        using var optimizer = new FlatAdamW(flat);
        Assert.IsFalse(frozen.requires_grad);
        (frozen * trained).sum().backward();
        optimizer.Step(0.1);
        Assert.IsTrue(before.Equals(frozen.detach()));
    }

    [TestMethod]
    public void AnotherElementTypeIsRefusedByName()
    {
        using var scope = NewDisposeScope();
        var half = new Parameter(ones(4).to(ScalarType.BFloat16));
        InvalidOperationException error = Assert.ThrowsExactly<InvalidOperationException>(() => new FlatParameters([new ParameterGroup("all", [("model.norm.weight", half)])]));
        Assert.AreEqual("'model.norm.weight' is stored as BFloat16; training keeps its master weights in float32. Load the model in float32 to train it.", error.Message);
    }

    [TestMethod]
    public void NothingToTrainIsAnError()
        => Assert.ThrowsExactly<ArgumentException>(() => new FlatParameters([new ParameterGroup("empty", [])]));

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ResumingFromTheStoredStateGivesTheSameBits(bool fused)
    {
        using var scope = NewDisposeScope();
        Tensor start = rand(33), gradients = randn(6, 33);
        Tensor Train(int restartAfter)
        {
            var parameter = new Parameter(start.clone());
            IReadOnlyDictionary<string, Tensor>? state = null;
            for (int begin = 0; begin < 6;)
            {
                int end = begin == 0 ? restartAfter : 6;
                using var flat = new FlatParameters([new ParameterGroup("all", [("p", parameter)], WeightDecay: 0.1)]);
                using var optimizer = new FlatAdamW(flat, fused: fused);
                if (state is not null) optimizer.ImportState(state);
                for (int step = begin; step < end; step++)
                {
                    parameter.grad!.copy_(gradients[step]);
                    optimizer.Step(0.01);
                }
                state = optimizer.ExportState().ToDictionary(p => p.Key, p => p.Value.clone());
                begin = end;
            }
            return parameter.detach().clone();
        }
        Assert.IsTrue(Train(6).Equals(Train(3)));
    }

    [TestMethod]
    public void AForeignStateIsRefusedByName()
    {
        using var scope = NewDisposeScope();
        using var flat = new FlatParameters([new ParameterGroup("all", [("p", new Parameter(ones(3)))])]);
        using var optimizer = new FlatAdamW(flat);
        Dictionary<string, Tensor> state = optimizer.ExportState().ToDictionary();
        Assert.AreEqual("The optimizer state's 'exp_avg.p' has the shape [4], the parameter has [3].", Assert.ThrowsExactly<InvalidDataException>(() => optimizer.ImportState(new Dictionary<string, Tensor>(state) { ["exp_avg.p"] = ones(4) })).Message);
        Assert.AreEqual("The optimizer state's 'exp_avg.q' belongs to no trainable parameter.", Assert.ThrowsExactly<InvalidDataException>(() => optimizer.ImportState(new Dictionary<string, Tensor>(state) { ["exp_avg.q"] = ones(3) })).Message);
        state.Remove("exp_avg_sq.p");
        Assert.AreEqual("The optimizer state has no 'exp_avg_sq.p': it was written for another model or for other trainable parts.", Assert.ThrowsExactly<InvalidDataException>(() => optimizer.ImportState(state)).Message);
    }
}
