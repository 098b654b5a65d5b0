using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// The decoder over a batch of right-padded rows, with its attention written out. The product packs rows and never makes such a batch, so
/// this is where its padding gets the values that the published code gives it: a padded position is a zero vector that counts on behind
/// its row, sees every position of the row, and is seen by none, not even by itself.
/// </summary>
internal static class RightPaddedDecoder
{
    /// <summary>Rows <c>[1, t, hidden]</c> of any lengths → <c>[rows, longest, hidden]</c> after the final norm.</summary>
    public static Tensor Hidden(DecoderStack model, IReadOnlyList<Tensor> rows)
    {
        int[] lengths = [.. rows.Select(row => (int)row.shape[1])];
        long longest = lengths.Max();
        Tensor stream = cat([.. rows.Select(row => F.pad(row, [0, 0, 0, longest - row.shape[1]]))]);
        AttentionPlan plan = model.Plan(stream, SequenceLayout.Causal, cache: null);
        Tensor visible = Visible(lengths, longest);
        foreach (DecoderLayer layer in model.Layers)
        {
            stream = stream + Attend(layer.Attention, layer.InputNorm.forward(stream), plan, visible);
            stream = stream + layer.FeedForward.Forward(layer.FeedForwardNorm.forward(stream));
        }
        return model.Norm.forward(stream);
    }

    /// <summary><c>[rows, 1, longest, longest]</c>: position i of a row sees position j.</summary>
    private static Tensor Visible(int[] lengths, long longest)
    {
        Tensor keys = arange(longest).view(1, 1, longest) < tensor(lengths).view(-1, 1, 1);
        return ones(longest, longest).tril().to(ScalarType.Bool).logical_and(keys).unsqueeze(1);
    }

    private static Tensor Attend(GroupedQueryAttention attention, Tensor input, AttentionPlan plan, Tensor visible)
    {
        long batch = input.shape[0], length = input.shape[1], width = plan.Cosine.shape[^1];
        Tensor query = Rotated(attention.Query, attention.QueryNorm), key = Rotated(attention.Key, attention.KeyNorm);
        Tensor value = attention.Value.Compute(input).view(batch, length, -1, width);
        long shared = query.shape[2] / key.shape[2];
        Tensor scores = einsum("bihd,bjhd->bhij", query, key.repeat_interleave(shared, 2)) / Math.Sqrt(width);
        Tensor weights = scores.masked_fill(visible.logical_not(), double.NegativeInfinity).softmax(-1);
        return attention.Output.Compute(einsum("bhij,bjhd->bihd", weights, value.repeat_interleave(shared, 2)).reshape(batch, length, -1));

        Tensor Rotated(Linear projection, RmsNorm? norm)
        {
            Tensor heads = projection.Compute(input).view(batch, length, -1, width);
            return RotaryEmbedding.Rotate(norm is null ? heads : norm.forward(heads), plan.Cosine, plan.SignedSine);
        }
    }
}
