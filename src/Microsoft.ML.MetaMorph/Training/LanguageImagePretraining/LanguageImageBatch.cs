using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures with their captions.</summary>
/// <param name="Pixels"><c>[b, 3, s, s]</c> float32 on any device, −1 to 1; of pictures that keep their shape <c>[b, n, p·p·3]</c>. The batch owns it.</param>
/// <param name="Captions">Token ids of the b captions, without begin, end or padding.</param>
/// <param name="Rows">The pictures' numbers in the training data, for messages; null: counted.</param>
/// <param name="Next">Where their stream goes on; null where nobody tells.</param>
/// <param name="Grids">The grids of patches of pictures that keep their shape; null where all have one size.</param>
internal sealed record LanguageImageBatch(Tensor Pixels, IReadOnlyList<int[]> Captions, IReadOnlyList<long>? Rows = null, StreamPlace? Next = null, IReadOnlyList<PatchGrid>? Grids = null) : IPictureBatch
{
    public long Count => Captions.Count;

    /// <summary>Refuses a batch that does not fit.</summary>
    /// <exception cref="ArgumentException">Numbers differ, or a token is unknown.</exception>
    public void Check(CaptionTokens tokens)
    {
        if (Captions.Count == 0) throw new ArgumentException("A batch has no captions.");
        if (Pixels.size(0) != Captions.Count) throw new ArgumentException($"A batch has {Pixels.size(0)} pictures and {Captions.Count} captions.");
        if (Rows is not null && Rows.Count != Captions.Count) throw new ArgumentException($"There are {Captions.Count} captions and {Rows.Count} row numbers.");
        for (int row = 0; row < Captions.Count; row++)
        {
            foreach (int id in Captions[row])
            {
                if (id < 0 || id >= tokens.VocabularySize) throw new ArgumentException($"Caption {row} of a batch holds the token {id}; the vocabulary has {tokens.VocabularySize} tokens.");
            }
        }
    }

    public void Dispose() => Pixels.Dispose();
}
