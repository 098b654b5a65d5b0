namespace Microsoft.ML.MetaMorph;

/// <summary>What the encoder's training needs to know of a tokenizer.</summary>
/// <param name="VocabularySize">Ids run from 0 to this, exclusive.</param>
/// <param name="End">The token after a caption.</param>
/// <param name="Pad">The token that fills up the text tower's input; it is seen there, and never a target of the captioning decoder.</param>
internal sealed record CaptionTokens(int VocabularySize, int End, int Pad)
{
    /// <exception cref="ArgumentException">An id lies outside the vocabulary.</exception>
    public void Check()
    {
        if (VocabularySize < 1 || End < 0 || End >= VocabularySize || Pad < 0 || Pad >= VocabularySize)
            throw new ArgumentException($"The end token {End} and the padding token {Pad} must lie within the vocabulary of {VocabularySize} tokens.");
    }
}
