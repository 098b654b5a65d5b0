using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Low-rank adaptation (LoRA, arXiv 2106.09685): the language model stays as it is, and each of its linear layers learns a small change
/// <c>α/r · B A x</c> beside it. Gradients and optimizer state exist for the adapter and for <see cref="ModulesToSave"/> alone. The defaults of
/// rank and α are those of PEFT, whose files a trained adapter is written in (<c>MetaMorphTransformer.SaveAdapter</c>).
/// </summary>
/// <remarks>
/// The adapter's learning rate is that of the language model (<see cref="VisualPredictiveTrainingOptions.LanguageModelRateFactor"/>); it stands a rate
/// some ten times as high as full training does.
/// </remarks>
public sealed record LowRankOptions
{
    /// <summary>r, the width of the bottleneck; at least 1. Default: 8.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>α, above 0: the change is scaled by α/r. Default: 8.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>Whether the scale is α/√r (rsLoRA, arXiv 2312.03732), which keeps large ranks learning. Default: false.</summary>
    public bool RankStabilized { get; init; }

    /// <summary>The share of an adapter's inputs that are dropped in training, in [0, 1). What is dropped follows from the seed, the step and the layer. Default: 0.</summary>
    public double Dropout { get; init; }

    /// <summary>
    /// The adapted linear layers, by the ends of their names: <c>q_proj</c>, <c>k_proj</c>, <c>v_proj</c>, <c>o_proj</c>, <c>gate_proj</c>, <c>up_proj</c>,
    /// <c>down_proj</c>, or longer ends such as <c>layers.0.self_attn.q_proj</c>. <c>all-linear</c>, alone, stands for all but the output matrix. Default: <c>all-linear</c>.
    /// </summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [LowRankConfig.AllLinear];

    /// <summary>Other ranks: a regular expression for the end of a layer's name, and the rank of the layers that match; the first that matches counts. Default: none.</summary>
    public IReadOnlyDictionary<string, int> RankPattern { get; init; } = new Dictionary<string, int>();

    /// <summary>The same for α. Default: none.</summary>
    public IReadOnlyDictionary<string, double> AlphaPattern { get; init; } = new Dictionary<string, double>();

    /// <summary>
    /// Modules that learn in full beside the adapter, at the rates of their parts, and are stored with it: by default <c>mm_projector</c> and
    /// <c>vision_head</c>. <c>embed_tokens</c> and <c>lm_head</c> are the embedding and the output matrix.
    /// </summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = ["mm_projector", "vision_head"];

    /// <summary>How the frozen weights are held in memory. Default: as they are stored.</summary>
    public FrozenWeights FrozenWeights { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate()
    {
        Check(nameof(Rank), Rank, Rank >= 1, "at least 1");
        Check(nameof(Alpha), Alpha, IsAlpha(Alpha), "above 0");
        Check(nameof(Dropout), Dropout, Dropout is >= 0 and < 1, "at least 0 and below 1");
        CheckNames(nameof(TargetModules), TargetModules);
        if (TargetModules.Count != 1) Check(nameof(TargetModules), Joined(TargetModules), TargetModules.Count > 0 && !TargetModules.Contains(LowRankConfig.AllLinear, StringComparer.OrdinalIgnoreCase), $"names of layers, or {LowRankConfig.AllLinear} alone");
        CheckNames(nameof(ModulesToSave), ModulesToSave);
        CheckPattern(nameof(RankPattern), RankPattern, rank => rank >= 1, "at least 1");
        CheckPattern(nameof(AlphaPattern), AlphaPattern, IsAlpha, "above 0");
        Check(nameof(FrozenWeights), FrozenWeights);
    }

    /// <summary>The adapter that these options ask for.</summary>
    internal LowRankConfig ToConfig() => new()
    {
        Rank = Rank,
        Alpha = Alpha,
        RankStabilized = RankStabilized,
        Dropout = Dropout,
        Targets = string.Equals(TargetModules[0], LowRankConfig.AllLinear, StringComparison.OrdinalIgnoreCase) ? new ModuleNames([], LowRankConfig.AllLinear) : new ModuleNames(TargetModules),
        RankPattern = [.. RankPattern],
        AlphaPattern = [.. AlphaPattern],
        ModulesToSave = ModulesToSave,
    };

    private static bool IsAlpha(double alpha) => alpha is > 0 and < double.PositiveInfinity;

    private static void CheckNames(string option, IReadOnlyList<string>? names)
        => Check(option, names is null ? null : Joined(names), names is not null && names.All(name => !string.IsNullOrEmpty(name)), "a list of names, none of them empty");

    private static void CheckPattern<T>(string option, IReadOnlyDictionary<string, T>? patterns, Func<T, bool> isValid, string range)
    {
        Check(option, patterns, patterns is not null, "patterns with numbers, or empty");
        foreach ((string pattern, T value) in patterns!)
        {
            Check($"{option}[{pattern}]", value, isValid(value), range);
            try
            {
                _ = LowRankConfig.IsWholeMatch(pattern, "");
            }
            catch (InvalidDataException failure)
            {
                throw new ArgumentException($"{option}: {failure.Message}", option, failure);
            }
        }
    }

    private static string Joined(IReadOnlyList<string> names) => string.Join(", ", names);
}

/// <summary>How the frozen weights beside a low-rank adapter are held.</summary>
public enum FrozenWeights
{
    /// <summary>
    /// In the element type of the file; on the CPU they stay mapped. Where products are computed in a wider type, each layer widens its weights and keeps them
    /// until the way back; with <see cref="VisualPredictiveTrainingOptions.ActivationCheckpointing"/> one layer at a time does.
    /// </summary>
    AsStored,

    /// <summary>
    /// The matrices of the decoder's layers in eight bits with a scale for every 128 (or 64) inputs: about a quarter of float32. Activations are then always computed
    /// again on the way back, as with <see cref="VisualPredictiveTrainingOptions.ActivationCheckpointing"/>; else each layer would keep its widened weights until then.
    /// </summary>
    Int8,
}
