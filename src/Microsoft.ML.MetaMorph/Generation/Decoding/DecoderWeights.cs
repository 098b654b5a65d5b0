using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Where the parameters of a language model lie in memory, for the vectorized engine.</summary>
/// <remarks>
/// Matrices are used in place, in their element type. Norm weights and biases, which are small, are used in place as float32 or copied
/// into it. Addresses hold as long as the model does and nobody moves its parameters; <see cref="Read"/> is cheap and is
/// called for every batch, since training moves them.
/// </remarks>
internal sealed unsafe class DecoderWeights : IDisposable
{
    private readonly NativeArena _arena = new();
    private readonly BFloat16Copies? _copies;

    private DecoderWeights(BFloat16Copies? copies) => _copies = copies;

    /// <summary>One decoder layer.</summary>
    public readonly struct Layer
    {
        public nint InputNorm { get; init; }

        public nint FeedForwardNorm { get; init; }

        public nint QueryNorm { get; init; }

        public nint KeyNorm { get; init; }

        public WeightMatrix Query { get; init; }

        public WeightMatrix Key { get; init; }

        public WeightMatrix Value { get; init; }

        public WeightMatrix Output { get; init; }

        public WeightMatrix Gate { get; init; }

        public WeightMatrix Up { get; init; }

        public WeightMatrix Down { get; init; }
    }

    public Layer[] Layers { get; private set; } = [];

    public WeightMatrix Embedding { get; private set; }

    public WeightMatrix OutputHead { get; private set; }

    public float* FinalNorm { get; private set; }

    /// <summary>Visual token → input of the language model; empty where there is none or it changes nothing.</summary>
    public WeightMatrix[] Projector { get; private set; } = [];

    /// <summary>Hidden state → visual token.</summary>
    public WeightMatrix[] VisionHead { get; private set; } = [];

    /// <summary>Why the vectorized engine cannot read these parameters; null where it can.</summary>
    public static string? Refusal(CausalLanguageModel language, MetaMorphModel? visual)
    {
        if (language.Device.type != DeviceType.CPU) return $"the model lies on {language.Device}, not on the CPU";
        if (!BitConverter.IsLittleEndian) return "the CPU is big-endian";
        if (language.Adapter is { IsMerged: false }) return "the model has a low-rank adapter that is not merged into its weights (MergeAdapter)";
        int known = 0;
        foreach (Parameter parameter in KnownParameters(language, visual))
        {
            known++;
            if (parameter.dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16)) return $"a parameter [{string.Join(", ", parameter.shape)}] is stored as {parameter.dtype}; float32, bfloat16 and float16 can be read";
            if (!parameter.is_contiguous()) return $"a parameter [{string.Join(", ", parameter.shape)}] is not contiguous";
        }
        int all = (visual ?? (nn.Module)language).named_parameters().Count(p => !p.name.Contains("vision_tower", StringComparison.Ordinal));
        return known == all ? null : $"the model has {all} parameters, of which the engine knows {known} (an adapter?)";
    }

    /// <summary>Finds every parameter. The caller has checked <see cref="Refusal"/>.</summary>
    public static DecoderWeights Read(CausalLanguageModel language, MetaMorphModel? visual, BFloat16Copies? copies)
    {
        var weights = new DecoderWeights(copies)
        {
            Layers = new Layer[language.Config.LayerCount],
        };
        for (int i = 0; i < weights.Layers.Length; i++) weights.Layers[i] = weights.Find(language.Model.Layers[i]);
        weights.Embedding = weights.Matrix(language.Model.Embedding.Weight, null);
        weights.OutputHead = weights.Matrix(language.OutputWeight, null);
        weights.FinalNorm = (float*)weights.Vector(language.Model.Norm.Weight);
        if (visual is null) return weights;
        weights.Projector = [.. visual.Projector.Layers.Select(weights.Matrix)];
        weights.VisionHead = [.. visual.VisionHead.Layers.Select(weights.Matrix)];
        return weights;
    }

    public void Dispose() => _arena.Dispose();

    private static IEnumerable<Parameter> KnownParameters(CausalLanguageModel language, MetaMorphModel? visual)
    {
        yield return language.Model.Embedding.Weight;
        if (language.Head is { } head) yield return head.Weight;
        yield return language.Model.Norm.Weight;
        foreach (DecoderLayer layer in language.Model.Layers)
        {
            yield return layer.InputNorm.Weight;
            yield return layer.FeedForwardNorm.Weight;
            if (layer.Attention.QueryNorm is { } queryNorm) yield return queryNorm.Weight;
            if (layer.Attention.KeyNorm is { } keyNorm) yield return keyNorm.Weight;
            foreach (Linear linear in new[] { layer.Attention.Query, layer.Attention.Key, layer.Attention.Value, layer.Attention.Output, layer.FeedForward.Gate, layer.FeedForward.Up, layer.FeedForward.Down })
            {
                yield return linear.Weight;
                if (linear.Bias is { } bias) yield return bias;
            }
        }
        foreach (Linear linear in visual is null ? [] : visual.Projector.Layers.Concat(visual.VisionHead.Layers))
        {
            yield return linear.Weight;
            if (linear.Bias is { } bias) yield return bias;
        }
    }

    private Layer Find(DecoderLayer layer) => new()
    {
        InputNorm = Vector(layer.InputNorm.Weight),
        FeedForwardNorm = Vector(layer.FeedForwardNorm.Weight),
        QueryNorm = layer.Attention.QueryNorm is { } query ? Vector(query.Weight) : 0,
        KeyNorm = layer.Attention.KeyNorm is { } key ? Vector(key.Weight) : 0,
        Query = Matrix(layer.Attention.Query),
        Key = Matrix(layer.Attention.Key),
        Value = Matrix(layer.Attention.Value),
        Output = Matrix(layer.Attention.Output),
        Gate = Matrix(layer.FeedForward.Gate),
        Up = Matrix(layer.FeedForward.Up),
        Down = Matrix(layer.FeedForward.Down),
    };

    private WeightMatrix Matrix(Linear linear) => Matrix(linear.Weight, linear.Bias);

    private WeightMatrix Matrix(Parameter weight, Parameter? bias)
    {
        long[] shape = weight.shape;
        (Tensor stored, WeightElement element) = (weight, Element(weight.dtype));
        if (_copies is not null && element == WeightElement.Float32) (stored, element) = (_copies.Of(weight), WeightElement.BFloat16);
        return new WeightMatrix(TensorMemory.Address(stored), element, checked((int)shape[0]), checked((int)shape[1]), bias is null ? 0 : Vector(bias));
    }

    private nint Vector(Parameter parameter)
    {
        if (parameter.dtype == ScalarType.Float32) return TensorMemory.Address(parameter);
        int count = checked((int)parameter.numel());
        float* copy = _arena.Floats(count);
        new WeightMatrix(TensorMemory.Address(parameter), Element(parameter.dtype), 1, count, 0).CopyRow(0, copy);
        return (nint)copy;
    }

    private static WeightElement Element(ScalarType type) => type switch
    {
        ScalarType.Float32 => WeightElement.Float32,
        ScalarType.BFloat16 => WeightElement.BFloat16,
        ScalarType.Float16 => WeightElement.Float16,
        _ => throw new NotSupportedException($"The vectorized engine reads float32, bfloat16 and float16, not {type}."),
    };
}
