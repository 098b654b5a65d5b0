namespace Microsoft.ML.MetaMorph;

/// <summary>What one sequence of a batch gives to a step and gets from it.</summary>
/// <param name="index">The row's number in the batch.</param>
/// <param name="vocabulary">The number of logits.</param>
/// <param name="tokenWidth">The width of a visual token; 0 for a language model alone.</param>
internal sealed class DecodingRow(int index, int vocabulary, int tokenWidth)
{
    public int Index { get; } = index;

    /// <summary>The step's input: this id, unless <see cref="InputIsVisual"/>.</summary>
    public int InputId { get; set; }

    /// <summary>Whether the step's input is what stands in <see cref="VisualToken"/>.</summary>
    public bool InputIsVisual { get; set; }

    /// <summary>Whether the step gives a visual token, not logits.</summary>
    public bool WantsVisual { get; set; }

    /// <summary>Logits of the next id; the loop may change them.</summary>
    public float[] Logits { get; } = new float[vocabulary];

    /// <summary>The visual token that follows.</summary>
    public float[] VisualToken { get; } = new float[tokenWidth];
}
