namespace Microsoft.ML.MetaMorph;

/// <summary>How pictures become visual tokens. What is null is taken from the folder, or else from the paper.</summary>
public sealed record ImageEncoderOptions
{
    /// <summary>Visual tokens a picture, N: a square number (or all patches), at most 65,536. Null: what the folder says, or 64 (arXiv 2412.14164, section 3).</summary>
    public int? VisualTokenCount { get; init; }

    /// <summary><c>interpolation</c>, <c>concat_interpolation</c> (four times as wide) or <c>none</c> (not for a SigLIP 2 NaFlex, whose pictures have unlike numbers of patches). Null: what the folder says, or <c>interpolation</c>.</summary>
    public string? TokenReduction { get; init; }

    /// <summary>The hidden state of the vision tower that becomes tokens: −1 is the last block's output. Null: what the folder says, or −1.</summary>
    public int? SelectLayer { get; init; }

    /// <summary>Whether each token is scaled to length 1. Null: what the folder says, or true.</summary>
    public bool? Normalize { get; init; }

    /// <summary>What becomes of a picture that is not square. Null: what <c>preprocessor_config.json</c> says, or <see cref="ImageAspectRatio.Square"/>. Pictures of a SigLIP 2 NaFlex keep their shape: leave it null.</summary>
    public ImageAspectRatio? AspectRatio { get; init; }

    /// <summary>
    /// Of an encoder whose pictures keep their shape (SigLIP 2 NaFlex): the patches of a picture at most, at least 1; more show finer detail and
    /// cost more. Null: what <c>preprocessor_config.json</c> says (<c>max_num_patches</c>).
    /// </summary>
    public int? MaximumPatchCount { get; init; }

    /// <summary>In which element type linear layers and convolutions are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate()
    {
        OptionRange.Check(nameof(VisualTokenCount), VisualTokenCount, VisualTokenCount is null or (>= 1 and <= VisualTokenSettings.MaximumCount), FormattableString.Invariant($"from 1 to {VisualTokenSettings.MaximumCount}"));
        if (AspectRatio is { } ratio) OptionRange.Check(nameof(AspectRatio), ratio);
        OptionRange.Check(nameof(MaximumPatchCount), MaximumPatchCount, MaximumPatchCount is null or >= 1, "at least 1");
        OptionRange.Check(nameof(Precision), Precision);
    }
}
