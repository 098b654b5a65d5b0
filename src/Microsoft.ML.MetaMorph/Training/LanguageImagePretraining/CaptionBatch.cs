using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The captions of a batch as tensors: padded inputs, and for each target the position that predicts it.</summary>
/// <remarks>The last visual token predicts the first token, the last token predicts the end; a caption that was cut has no end.</remarks>
internal sealed class CaptionBatch : IDisposable
{
    /// <param name="captions">Token ids, without begin or end.</param>
    /// <param name="tokens">The special tokens.</param>
    /// <param name="visualTokens">N, positions before the text.</param>
    /// <param name="maxLength">Longer captions are cut to this many tokens.</param>
    /// <param name="device">Where the tensors lie.</param>
    public CaptionBatch(IReadOnlyList<int[]> captions, CaptionTokens tokens, int visualTokens, int maxLength, Device device)
    {
        Length = captions.Max(c => Math.Min(c.Length, maxLength));
        var ids = new long[captions.Count * Length];
        Array.Fill(ids, tokens.Pad);
        var positions = new List<long>();
        var targets = new List<long>();
        Counts = new int[captions.Count];
        for (int row = 0; row < captions.Count; row++)
        {
            int[] caption = captions[row];
            int kept = Math.Min(caption.Length, maxLength);
            long first = (long)row * (visualTokens + Length) + visualTokens - 1;
            for (int i = 0; i < kept; i++)
            {
                ids[row * Length + i] = caption[i];
                positions.Add(first + i);
                targets.Add(caption[i]);
            }
            Counts[row] = kept;
            if (kept < caption.Length) continue;
            positions.Add(first + kept);
            targets.Add(tokens.End);
            Counts[row]++;
        }
        Ids = tensor(ids, [captions.Count, Length], device: device).DetachFromDisposeScope();
        Positions = tensor(positions.ToArray(), device: device).DetachFromDisposeScope();
        Targets = tensor(targets.ToArray(), device: device).DetachFromDisposeScope();
    }

    /// <summary>The longest caption of the batch.</summary>
    public int Length { get; }

    /// <summary>Targets of each row.</summary>
    public int[] Counts { get; }

    /// <summary><c>[b, Length]</c>.</summary>
    public Tensor Ids { get; }

    /// <summary>Positions in the flattened <c>[b · (N + Length)]</c> that predict a target.</summary>
    public Tensor Positions { get; }

    /// <summary>What they predict.</summary>
    public Tensor Targets { get; }

    public void Dispose()
    {
        Ids.Dispose();
        Positions.Dispose();
        Targets.Dispose();
    }
}
