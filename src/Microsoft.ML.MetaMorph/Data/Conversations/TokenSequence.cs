namespace Microsoft.ML.MetaMorph;

/// <summary>
/// One row as token ids: an image is ONE <see cref="ImagePlaceholder"/> here and takes N positions once the row is packed.
/// <see cref="Labels"/> are not shifted: the label at a position is what the position before it learns to predict.
/// </summary>
internal sealed class TokenSequence
{
    /// <summary>Stands for an image among the ids (the published <c>IMAGE_TOKEN_INDEX</c>).</summary>
    public const int ImagePlaceholder = -200;

    /// <summary>The label of a position that is not learned (the published <c>IGNORE_INDEX</c>).</summary>
    public const int Ignored = -100;

    public TokenSequence(int[] ids, int[] labels, int[]? imageOrder = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(labels);
        if (ids.Length != labels.Length)
            throw new ArgumentException($"A sequence of {ids.Length} ids needs as many labels; {labels.Length} were given.", nameof(labels));
        Ids = ids;
        Labels = labels;
        int images = ids.Count(id => id == ImagePlaceholder);
        ImageOrder = imageOrder ?? [.. Enumerable.Range(0, images)];
        if (ImageOrder.Length != images)
            throw new ArgumentException($"The ids hold {images} image placeholders, but the image order names {ImageOrder.Length} images.", nameof(imageOrder));
    }

    public int[] Ids { get; }

    /// <summary>What is learned, aligned with <see cref="Ids"/>: the id itself or <see cref="Ignored"/>. What stands at an image is not a text label.</summary>
    public int[] Labels { get; }

    /// <summary>For each placeholder, from left to right, which of the row's images stands there. Images cut off by truncation do not appear.</summary>
    public int[] ImageOrder { get; }

    public int ImageCount => ImageOrder.Length;

    /// <summary>The positions that the row takes when each image takes <paramref name="tokensPerImage"/> of them.</summary>
    public int ExpandedLength(int tokensPerImage) => checked(Ids.Length + (tokensPerImage - 1) * ImageCount);

    /// <summary>Whether the image at <paramref name="index"/> in <see cref="Ids"/> is to be predicted: iff the label right before it is the start of an image.</summary>
    public bool IsImageTarget(int index, int imageStartId) => Ids[index] == ImagePlaceholder && index > 0 && Labels[index - 1] == imageStartId;

    /// <summary>The text labels that some position of the row predicts; the first token has no position before it.</summary>
    public int SupervisedTokens
    {
        get
        {
            int count = 0;
            for (int i = 1; i < Ids.Length; i++)
                if (Labels[i] != Ignored && Ids[i] != ImagePlaceholder) count++;
            return count;
        }
    }
}
