using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// How an image encoder is trained on pictures with captions: from nothing, or going on from a published SigLIP (whose sizes then hold
/// instead of those given here). The defaults are a small encoder for 64×64 pictures that learns on a laptop's processor.
/// </summary>
public sealed record LanguageImagePretrainingOptions : ITrainingOptions
{
    /// <summary>Height and width of a picture in pixels, at least 1. Default: 64. Not used when a published model is continued.</summary>
    public int ImageSize { get; init; } = 64;

    /// <summary>Height and width of a patch in pixels, from 1 to <see cref="ImageSize"/>. Default: 8. Not used when a published model is continued.</summary>
    public int PatchSize { get; init; } = 8;

    /// <summary>Width of the encoder, and so of a visual token; a multiple of <see cref="HeadCount"/>. Default: 128. Not used when a published model is continued.</summary>
    public int Width { get; init; } = 128;

    /// <summary>Blocks of the encoder, at least 1. Default: 4. Not used when a published model is continued.</summary>
    public int LayerCount { get; init; } = 4;

    /// <summary>Attention heads of a block, at least 1. Default: 4.</summary>
    public int HeadCount { get; init; } = 4;

    /// <summary>Width inside the feed-forward layers, at least 1. Null (default): 4 × <see cref="Width"/>. Not used when a published model is continued.</summary>
    public int? FeedForwardWidth { get; init; }

    /// <summary>
    /// Activation of the feed-forward layers by its published name (<c>hidden_act</c>). Default: <c>gelu</c>, which costs a third of SigLIP's
    /// own <c>gelu_pytorch_tanh</c> on a processor. Not used for the tower of a published model that is continued.
    /// </summary>
    public string Activation { get; init; } = "gelu";

    /// <summary>N, the visual tokens of a picture, which the captioning decoder reads; a square number. Default: 16.</summary>
    public int VisualTokenCount { get; init; } = 16;

    /// <summary>
    /// Weight of the captions' cross-entropy, at least 0; 0 leaves the captioning decoder out. Default: 1. Captions alone gave the best visual
    /// tokens in our trials; the encoder then has no text tower.
    /// </summary>
    public double CaptionWeight { get; init; } = 1;

    /// <summary>
    /// Weight of the sigmoid contrastive loss (arXiv 2303.15343), at least 0; 0 leaves the text tower and the pooling head out. Default: 0.
    /// It compares the pictures of a batch: large batches of unlike captions help.
    /// </summary>
    public double ContrastiveWeight { get; init; }

    /// <summary>Blocks of the captioning decoder, at least 1. Default: 2.</summary>
    public int CaptionLayerCount { get; init; } = 2;

    /// <summary>Blocks of a fresh text tower, at least 1. Default: 2.</summary>
    public int TextLayerCount { get; init; } = 2;

    /// <summary>The longest caption that is read, in tokens, at least 1; longer ones are cut. Default: 64.</summary>
    public int MaximumTextLength { get; init; } = 64;

    /// <summary>Pictures of an optimizer step, at least 1. Default: 96.</summary>
    public int BatchSize { get; init; } = 96;

    /// <summary>Optimizer steps, at least 1. Null (default): 4,000, or as many as fit where <see cref="MaximumSeconds"/> is given.</summary>
    public int? MaximumSteps { get; init; }

    /// <summary>
    /// A budget of wall-clock time in seconds, above 0. The learning rate then follows the elapsed share of the budget; the number of steps, and
    /// with it the weights, depend on the machine. Null (default): no budget.
    /// </summary>
    public double? MaximumSeconds { get; init; }

    /// <summary>Peak learning rate, above 0. Default: 1.5e-3, for a small encoder from nothing; 1e-5 to 1e-4 suits a published one.</summary>
    public double LearningRate { get; init; } = 1.5e-3;

    /// <summary>The curve after the warm-up. Default: cosine.</summary>
    public LearningRateScheduleKind Schedule { get; init; } = LearningRateScheduleKind.Cosine;

    /// <summary>The share of the training in which the rate rises from zero, in [0, 1). Default: 0.03.</summary>
    public double WarmupRatio { get; init; } = 0.03;

    /// <summary>Decoupled weight decay of matrices, 0 to 100; norms and biases have none. Default: 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>AdamW's decay of the first moment, in [0, 1). Default: 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay of the second moment, in [0, 1). Default: 0.98.</summary>
    public double Beta2 { get; init; } = 0.98;

    /// <summary>AdamW's ε, above 0. Default: 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Gradients are scaled down to this norm, above 0; null: never. Default: 1.</summary>
    public double? MaximumGradientNorm { get; init; } = 1;

    /// <summary>The encoder ends with the running average of its weights, decay in (0, 1). Null (default): with the last weights.</summary>
    public double? AveragingDecay { get; init; }

    /// <summary>In which element type linear layers are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>Decides the random weights at the start and the order of the rows. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>The steps that are taken if time does not end them; null: only time does.</summary>
    internal int? Steps => MaximumSteps ?? (MaximumSeconds is null ? 4000 : null);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate()
    {
        Check(this);
        Check(nameof(ImageSize), ImageSize, ImageSize >= 1, "at least 1");
        Check(nameof(PatchSize), PatchSize, PatchSize >= 1 && PatchSize <= ImageSize, $"from 1 to {nameof(ImageSize)} ({ImageSize})");
        Check(nameof(HeadCount), HeadCount, HeadCount >= 1, "at least 1");
        Check(nameof(Width), Width, Width >= 1 && Width % HeadCount == 0, $"a multiple of {nameof(HeadCount)} ({HeadCount})");
        Check(nameof(LayerCount), LayerCount, LayerCount >= 1, "at least 1");
        Check(nameof(FeedForwardWidth), FeedForwardWidth, FeedForwardWidth is null or >= 1, "at least 1");
        Check(nameof(Activation), Activation, HiddenActivation.IsKnown(Activation), "one of " + string.Join(", ", HiddenActivation.Names));
        Check(nameof(VisualTokenCount), VisualTokenCount, VisualTokenCount <= VisualTokenSettings.MaximumCount && SquareGrid.SideOf(VisualTokenCount) is not null, FormattableString.Invariant($"a square number (1, 4, 9, 16, …) of at most {VisualTokenSettings.MaximumCount}"));
        Check(nameof(CaptionWeight), CaptionWeight, IsFactor(CaptionWeight), "at least 0");
        Check(nameof(ContrastiveWeight), ContrastiveWeight, IsFactor(ContrastiveWeight) && CaptionWeight + ContrastiveWeight > 0, "at least 0, and above 0 where CaptionWeight is 0");
        Check(nameof(CaptionLayerCount), CaptionLayerCount, CaptionLayerCount >= 1, "at least 1");
        Check(nameof(TextLayerCount), TextLayerCount, TextLayerCount >= 1, "at least 1");
        Check(nameof(MaximumTextLength), MaximumTextLength, MaximumTextLength >= 1, "at least 1");
        Check(nameof(LearningRate), LearningRate, LearningRate is > 0 and < double.PositiveInfinity, "above 0");
    }
}
