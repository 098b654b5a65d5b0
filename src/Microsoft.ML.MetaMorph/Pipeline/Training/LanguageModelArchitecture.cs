using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>The sizes of a MetaMorph that is trained from nothing: a Llama-shaped language model, a projector and a vision head.</summary>
/// <remarks>The defaults make six layers of about 2.4 million parameters together, which learn on a laptop's processor; embeddings (192 a token), projector and vision head come on top.</remarks>
public sealed record LanguageModelArchitecture
{
    // Many times what any model has, so that sums of sizes stay within 64 bits and mistyped numbers are told as such.
    private const int WidthLimit = 1 << 20, LayerLimit = 10_000;

    /// <summary>Width of the language model; 1 to 1,048,576. Default: 192.</summary>
    public int HiddenSize { get; init; } = 192;

    /// <summary>Width inside the gated feed-forward networks; 1 to 4,194,304. Null (default): 8/3 × <see cref="HiddenSize"/>, rounded up to a multiple of 64.</summary>
    public int? IntermediateSize { get; init; }

    /// <summary>Decoder layers; 1 to 10,000. Default: 6.</summary>
    public int LayerCount { get; init; } = 6;

    /// <summary>Query heads; divides <see cref="HiddenSize"/> into even widths. Default: 6.</summary>
    public int HeadCount { get; init; } = 6;

    /// <summary>Key and value heads; divides <see cref="HeadCount"/>. Default: 2.</summary>
    public int KeyValueHeadCount { get; init; } = 2;

    /// <summary>Whether the output matrix is the embedding table. Default: true.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>The longest sequence that the model is made for, prompt and response together; at least 2. Default: 4,096.</summary>
    public int MaximumPositions { get; init; } = 4096;

    /// <summary>Base of the rotary positions; 1 to 1e15. Default: 10,000.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>
    /// Standard deviation of fresh weights; above 0. Null (default): √(2 / (5 × <see cref="HiddenSize"/>)) (SmallInit, arXiv 1910.05895): 0.02 at a width
    /// of 1,000, as published models have it, and more for narrow ones, which otherwise take long to find out what to look at.
    /// </summary>
    public double? InitializerRange { get; init; }

    /// <summary>Visual tokens → language model: <c>linear</c>, <c>mlpNx_gelu</c> or <c>identity</c>. Default: <c>mlp2x_gelu</c> (arXiv 2412.14164).</summary>
    public string Projector { get; init; } = "mlp2x_gelu";

    /// <summary>Language model → visual tokens: <c>linear</c>, <c>mlp</c> or <c>mlp2x_gelu</c>. Default: <c>mlp</c> (arXiv 2412.14164).</summary>
    public string VisionHead { get; init; } = "mlp";

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate()
    {
        Check(nameof(HiddenSize), HiddenSize, HiddenSize is >= 1 and <= WidthLimit, FormattableString.Invariant($"from 1 to {WidthLimit}"));
        Check(nameof(IntermediateSize), IntermediateSize, IntermediateSize is null or (>= 1 and <= 4 * WidthLimit), FormattableString.Invariant($"from 1 to {4 * WidthLimit}"));
        Check(nameof(LayerCount), LayerCount, LayerCount is >= 1 and <= LayerLimit, FormattableString.Invariant($"from 1 to {LayerLimit}"));
        Check(nameof(HeadCount), HeadCount, HeadCount >= 1 && HiddenSize % HeadCount == 0 && HiddenSize / HeadCount % 2 == 0, $"at least 1 and divide {nameof(HiddenSize)} ({HiddenSize}) into even widths");
        Check(nameof(KeyValueHeadCount), KeyValueHeadCount, KeyValueHeadCount >= 1 && HeadCount % KeyValueHeadCount == 0, $"at least 1 and divide {nameof(HeadCount)} ({HeadCount})");
        Check(nameof(MaximumPositions), MaximumPositions, MaximumPositions >= 2, "at least 2, one for a prompt and one for its answer");
        Check(nameof(RopeTheta), RopeTheta, LanguageModelConfig.IsRopeTheta(RopeTheta), LanguageModelConfig.RopeThetaRange);
        Check(nameof(InitializerRange), InitializerRange, InitializerRange is null or (> 0 and < double.PositiveInfinity), "above 0");
        Check(nameof(Projector), Projector, MetaMorph.Projector.IsKnown(Projector), "one of " + MetaMorph.Projector.Kinds);
        Check(nameof(VisionHead), VisionHead, MetaMorph.VisionHead.IsKnown(VisionHead), "one of " + MetaMorph.VisionHead.Kinds);
    }

    /// <summary>Checks the projector against widths that the options do not tell.</summary>
    /// <exception cref="ArgumentException">It cannot join them.</exception>
    internal void RequireProjector(int hiddenSize, int tokenWidth)
    {
        if (Projector == MetaMorph.Projector.Identity && hiddenSize != tokenWidth)
            throw new ArgumentException($"{nameof(Projector)} is {Projector}, which takes visual tokens as they are, but they are {tokenWidth} wide and the language model is {hiddenSize} wide. Choose linear or mlpNx_gelu, or a {nameof(HiddenSize)} of {tokenWidth}.");
    }

    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    internal LanguageModelConfig ToConfig(LanguageTokenizer tokenizer)
    {
        Validate();
        return new LanguageModelConfig
        {
            VocabularySize = tokenizer.HighestId + 1,
            HiddenSize = HiddenSize,
            IntermediateSize = IntermediateSize ?? (HiddenSize * 8 / 3 + 63) / 64 * 64,
            LayerCount = LayerCount,
            HeadCount = HeadCount,
            KeyValueHeadCount = KeyValueHeadCount,
            HeadWidth = HiddenSize / HeadCount,
            RopeTheta = RopeTheta,
            MaxPositions = MaximumPositions,
            TieWordEmbeddings = TieWordEmbeddings,
            InitializerRange = InitializerRange ?? Math.Sqrt(2.0 / (5 * HiddenSize)),
            BosTokenId = tokenizer.BeginningOfSequenceId,
            EosTokenIds = tokenizer.EndOfSequenceId is { } end ? [end] : [],
        };
    }
}
