using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Weights of eight bits: how near they are, what they take, and what a language model loses by them.</summary>
[TestClass]
public sealed class Int8WeightTests
{
    private const int Vocabulary = 32, Length = 32, Rows = 16;

    private static readonly LanguageModelConfig Config = new()
    {
        VocabularySize = Vocabulary,
        HiddenSize = 64,
        IntermediateSize = 128,
        LayerCount = 2,
        HeadCount = 4,
        KeyValueHeadCount = 2,
        HeadWidth = 16,
        TieWordEmbeddings = true,
        InitializerRange = 0.1,
    };

    [TestMethod]
    [DataRow(7L, 256L, 128L)]
    [DataRow(5L, 192L, 64L)]
    [DataRow(3L, 24L, 24L)]
    public void AWeightIsWithinHalfAStepOfItsGroup(long outputs, long inputs, long group)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor weight = randn([outputs, inputs], generator: generator) * logspace(-3, 2, outputs).unsqueeze(1);
        weight[0, 0] = 0.0;
        (Tensor quantized, Tensor scales) = Int8Weight.Quantize(weight);
        Assert.AreEqual(ScalarType.Int8, quantized.dtype);
        CollectionAssert.AreEqual(new[] { outputs, inputs / group }, scales.shape);
        Tensor largest = weight.view(outputs, inputs / group, group).abs().amax([-1L], false);
        TensorAssert.AreClose(ones_like(scales), scales * 127 / largest, 1e-6, "scale over the largest weight of a group");
        Tensor error = (Int8Weight.Dequantize(quantized, scales, ScalarType.Float32) - weight).view(outputs, inputs / group, group).abs() / scales.unsqueeze(-1);
        Assert.IsLessThanOrEqualTo(0.5001, error.max().item<float>());
        Assert.IsGreaterThan(0.4, error.max().item<float>());
    }

    [TestMethod]
    public void ZerosStayZeros()
    {
        using var scope = NewDisposeScope();
        (Tensor quantized, Tensor scales) = Int8Weight.Quantize(zeros(2, 128));
        Assert.AreEqual(0, scales.abs().max().item<float>());
        Assert.AreEqual(0, Int8Weight.Dequantize(quantized, scales, ScalarType.Float32).abs().max().item<float>());
    }

    [TestMethod]
    [DataRow(ScalarType.Float32, 1e-5)]
    [DataRow(ScalarType.BFloat16, 3e-2)]
    public void ALayerOfEightBitsIsALayerOfItsWidenedWeights(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        using var plain = new Linear(new FreshParameters(CPU, generator), 64, 48);
        Dictionary<string, Tensor> parameters = plain.named_parameters().ToDictionary(entry => "layer." + entry.name, entry => (Tensor)entry.parameter);
        using var layer = new Linear(new Int8Parameters(new SharedParameters(parameters, CPU), name => name == "layer")["layer"], 64, 48) { ComputeType = type };
        CollectionAssert.AreEquivalent(new[] { "weight", "weight_scale", "bias" }, layer.named_parameters().Select(entry => entry.name).ToArray());
        Tensor input = randn([5, 64], generator: generator);
        Tensor expected = F.linear(input, layer.PlainWeight(), plain.Bias);
        TensorAssert.AreClose(expected, layer.forward(input), tolerance, "forward");
        TensorAssert.AreClose(expected, layer.Compute(input).to(ScalarType.Float32), tolerance, "product");
        Tensor leaf = input.detach().requires_grad_(true);
        autograd.backward(layer.forward(leaf).sum());
        TensorAssert.AreClose(layer.PlainWeight().sum([0L]).expand(5, 64), leaf.grad!, 10 * tolerance, "gradient of the input");
    }

    /// <summary>A model that has learned sequences of a random language, on sequences that it has not seen: the perplexity of eight bits is within 1 %, in about a quarter of the memory.</summary>
    [TestMethod]
    public void ALanguageModelLosesLessThanOnePercent()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(11);
        using var model = new CausalLanguageModel(Config, new FreshParameters(CPU, generator));
        Learn(model, steps: 150);
        Dictionary<string, Tensor> parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);
        using var narrow = new CausalLanguageModel(Config, new Int8Parameters(new SharedParameters(parameters, CPU), name => name.StartsWith("model.layers.", StringComparison.Ordinal)));
        double plain = Perplexity(model), rounded = Perplexity(narrow), chance = Vocabulary;
        Assert.IsLessThan(chance / 4, plain, "the model has not learned anything");
        Assert.AreNotEqual(plain, rounded, "nothing was rounded");
        Assert.AreEqual(1, rounded / plain, 0.01, $"perplexity {plain:F4} became {rounded:F4}");
        double ratio = LayerBytes(narrow) / (double)LayerBytes(model);
        Assert.IsLessThan(0.27, ratio);
    }

    private static void Learn(CausalLanguageModel model, int steps)
    {
        using var flat = new FlatParameters([ParameterGroup.Of("model", model)]);
        using var optimizer = new FlatAdamW(flat);
        for (int step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            flat.ZeroGradients();
            autograd.backward(Loss(model, Text(step)));
            flat.ClipGradients(1);
            optimizer.Step(5e-3);
        }
    }

    private static double Perplexity(CausalLanguageModel model)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return Math.Exp(Enumerable.Range(0, 4).Average(i => Loss(model, Text(-1 - i)).item<float>()));
    }

    private static Tensor Loss(CausalLanguageModel model, Tensor ids)
    {
        Tensor logits = model.Logits(model.Hidden(model.Embed(ids), SequenceLayout.Causal));
        return F.cross_entropy(logits.narrow(1, 0, Length - 1).flatten(0, 1), ids.narrow(1, 1, Length - 1).flatten());
    }

    /// <summary>A language in which each token allows four others, one of them mostly; the seed decides the text, not the language.</summary>
    private static Tensor Text(int seed)
    {
        var random = new Random(1_000 + seed);
        var ids = new long[Rows * Length];
        for (int i = 0; i < ids.Length; i++)
        {
            int choice = random.NextDouble() < 0.7 ? 0 : random.Next(4);
            ids[i] = i % Length == 0 ? random.Next(Vocabulary) : (ids[i - 1] * 5 + choice * 7 + 3) % Vocabulary;
        }
        return tensor(ids).view(Rows, Length);
    }

    private static long LayerBytes(CausalLanguageModel model)
        => model.named_parameters().Where(entry => entry.name.Contains("_proj.", StringComparison.Ordinal)).Sum(entry => entry.parameter.numel() * entry.parameter.element_size());
}
