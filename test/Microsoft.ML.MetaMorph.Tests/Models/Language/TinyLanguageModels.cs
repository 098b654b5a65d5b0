using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>One small fresh model of every kind that is computed differently.</summary>
internal static class TinyLanguageModels
{
    private static readonly LanguageModelConfig Llama = new()
    {
        VocabularySize = 61,
        HiddenSize = 24,
        IntermediateSize = 40,
        LayerCount = 2,
        HeadCount = 6,
        KeyValueHeadCount = 2,
        HeadWidth = 8,
        InitializerRange = 0.3,     // large enough that positions and masks matter
        EosTokenIds = [2],
    };

    public static IReadOnlyDictionary<string, LanguageModelConfig> Configs { get; } = new Dictionary<string, LanguageModelConfig>
    {
        ["llama-2"] = Llama with { KeyValueHeadCount = 6 },
        ["llama-3"] = Llama with { RopeTheta = 500_000 },
        ["llama-3.1"] = Llama with { RopeTheta = 500_000, RopeScaling = new RopeScaling(RopeScalingKind.Llama3, 8, 1, 4, 16) },
        ["llama-linear"] = Llama with { RopeScaling = new RopeScaling(RopeScalingKind.Linear, 4) },
        ["llama-biased"] = Llama with { QueryKeyValueBias = true, OutputBias = true, FeedForwardBias = true },
        ["smollm2"] = Llama with { TieWordEmbeddings = true, KeyValueHeadCount = 3 },
        ["mistral"] = Llama with { ModelType = "mistral", HeadWidth = 4 },
        ["qwen2"] = Llama with { ModelType = "qwen2", QueryKeyValueBias = true },
        ["qwen3"] = Llama with { ModelType = "qwen3", QueryKeyNorm = true, TieWordEmbeddings = true },
    };

    public static IEnumerable<object[]> Names => Configs.Keys.Select(name => new object[] { name });

    public static CausalLanguageModel Create(string name)
    {
        using var generator = new Generator(7);
        return new CausalLanguageModel(Configs[name], new FreshParameters(CPU, generator));
    }

    /// <summary>Ids <c>[rows, length]</c> below the vocabulary of all of them.</summary>
    public static Tensor Ids(int rows, int length, long seed = 1)
    {
        using var generator = new Generator((ulong)seed);
        return randint(0, Llama.VocabularySize, [rows, length], dtype: ScalarType.Int64, generator: generator);
    }
}
