namespace Microsoft.ML.MetaMorph;

/// <summary>Which positions of a packed sequence predict what. A prediction never crosses from one row into the next.</summary>
internal sealed class LossTargets
{
    public LossTargets(PackedSequence sequence)
    {
        var textPositions = new List<long>();
        var textLabels = new List<long>();
        var visualPositions = new List<long>();
        var visualRows = new List<long>();
        long imagePosition = 0;
        int position = 0;
        foreach (int length in sequence.RowLengths)
        {
            int first = position;
            for (; position < first + length; position++)
            {
                bool isImage = sequence.Ids[position] == TokenSequence.ImagePlaceholder;
                if (position > first && !isImage && sequence.Labels[position] != TokenSequence.Ignored)
                {
                    textPositions.Add(position - 1);
                    textLabels.Add(sequence.Labels[position]);
                }
                else if (position > first && isImage && sequence.IsVisualTarget[position])
                {
                    visualPositions.Add(position - 1);
                    visualRows.Add(imagePosition);
                }
                if (isImage) imagePosition++;
            }
        }
        TextPositions = [.. textPositions];
        TextLabels = [.. textLabels];
        VisualPositions = [.. visualPositions];
        VisualRows = [.. visualRows];
    }

    /// <summary>Positions whose hidden state predicts a text token.</summary>
    public long[] TextPositions { get; }

    /// <summary>The token that each of them predicts.</summary>
    public long[] TextLabels { get; }

    /// <summary>Positions whose hidden state predicts a visual token.</summary>
    public long[] VisualPositions { get; }

    /// <summary>The row of the visual tokens <c>[k · N, D]</c> that each of them predicts.</summary>
    public long[] VisualRows { get; }
}
