using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Operators that TorchSharp lacks or exposes in part. Each has a portable composition of TorchSharp operators, used where
/// <see cref="AtenDispatcher.IsAvailable"/> is false; tests run both.
/// </summary>
internal static class Aten
{
    private static ReadOnlySpan<byte> NoOverload => "\0"u8;

    /// <summary>Softmax attention of <c>[b, heads, t, d]</c> queries over <c>[b, kvHeads, s, d]</c> keys and values.</summary>
    /// <param name="query">Queries; <c>heads</c> is a multiple of <c>kvHeads</c>.</param>
    /// <param name="key">Keys.</param>
    /// <param name="value">Values.</param>
    /// <param name="mask">Null, a boolean mask (true = may attend) or an additive one, broadcast to <c>[b, heads, t, s]</c>.</param>
    /// <param name="causal">Row i of the queries sees the first i + 1 keys. Not together with a mask.</param>
    /// <param name="scale">Null means 1/√d.</param>
    public static Tensor ScaledDotProductAttention(Tensor query, Tensor key, Tensor value, Tensor? mask = null, bool causal = false, double? scale = null)
    {
        bool grouped = query.shape[1] != key.shape[1];
        if (!AtenDispatcher.IsAvailable) return ComposedAttention(query, key, value, mask, causal, scale, grouped);
        Span<ulong> stack =
        [
            AtenDispatcher.Handle(query), AtenDispatcher.Handle(key), AtenDispatcher.Handle(value), AtenDispatcher.Optional(mask),
            AtenDispatcher.Bits(0), AtenDispatcher.Flag(causal), AtenDispatcher.Optional(scale), AtenDispatcher.Flag(grouped),
        ];
        AtenDispatcher.Call("aten::scaled_dot_product_attention\0"u8, NoOverload, stack);
        return AtenDispatcher.Result(stack[0]);
    }

    /// <summary><c>x / √(mean(x²) + ε) · weight</c> over the last dimension.</summary>
    public static Tensor RmsNorm(Tensor input, Tensor weight, double epsilon)
    {
        if (AtenDispatcher.IsAvailable)
        {
            Span<ulong> stack = [AtenDispatcher.Handle(input), AtenDispatcher.List(weight.shape), AtenDispatcher.Optional(weight), AtenDispatcher.Optional(epsilon)];
            AtenDispatcher.Call("aten::rms_norm\0"u8, NoOverload, stack);
            return AtenDispatcher.Result(stack[0]);
        }
        using var scope = NewDisposeScope();
        Tensor scaled = input * (input.pow(2).mean([-1], keepdim: true) + epsilon).rsqrt();
        return (scaled * weight).MoveToOuterDisposeScope();
    }

    private static Tensor ComposedAttention(Tensor query, Tensor key, Tensor value, Tensor? mask, bool causal, double? scale, bool grouped)
    {
        using var scope = NewDisposeScope();
        if (grouped)
        {
            long repeats = query.shape[1] / key.shape[1];
            key = key.repeat_interleave(repeats, 1);
            value = value.repeat_interleave(repeats, 1);
        }
        if (scale is { } factor) query = query * (factor * Math.Sqrt(query.shape[^1]));   // TorchSharp's own has no scale
        return F.scaled_dot_product_attention(query, key, value, mask, is_casual: causal).MoveToOuterDisposeScope();
    }
}
