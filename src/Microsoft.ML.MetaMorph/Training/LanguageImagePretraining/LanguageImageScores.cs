namespace Microsoft.ML.MetaMorph;

/// <summary>How well an encoder in training does on pictures.</summary>
/// <param name="Pictures">How many.</param>
internal sealed record LanguageImageScores(int Pictures)
{
    /// <summary>Mean cross-entropy of a caption's token.</summary>
    public double? CaptionLoss { get; init; }

    /// <summary>Pictures whose whole caption is right, decoded greedily.</summary>
    public int? ExactCaptions { get; init; }

    /// <summary>The sigmoid loss of a picture.</summary>
    public double? ContrastiveLoss { get; init; }

    /// <summary>Pictures whose own text (or one that reads the same) is the nearest of its batch.</summary>
    public int? Retrieved { get; init; }

    /// <summary>The scores of both together, losses weighted by pictures.</summary>
    public LanguageImageScores And(LanguageImageScores other) => new(Pictures + other.Pictures)
    {
        CaptionLoss = Mean(CaptionLoss, other.CaptionLoss, other.Pictures),
        ExactCaptions = ExactCaptions + other.ExactCaptions,
        ContrastiveLoss = Mean(ContrastiveLoss, other.ContrastiveLoss, other.Pictures),
        Retrieved = Retrieved + other.Retrieved,
    };

    private double? Mean(double? own, double? other, int count) => (own * Pictures + other * count) / (Pictures + count);
}
