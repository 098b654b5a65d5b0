using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Weights <c>[out, in]</c> in eight bits: symmetric, one float32 scale for each group of inputs of an output.</summary>
internal static class Int8Weight
{
    /// <summary>The name of the scales beside a weight.</summary>
    public const string ScaleName = "weight_scale";

    /// <summary>Elements that are widened at a time: 64 MiB of float32.</summary>
    private const long WidenedElements = 1 << 24;

    private const double Largest = 127;

    /// <summary>Inputs that share a scale: 128 or 64 where these divide them, else all of an output.</summary>
    public static long GroupWidth(long inputWidth) => inputWidth % 128 == 0 ? 128 : inputWidth % 64 == 0 ? 64 : inputWidth;

    /// <summary>The nearest weights of eight bits, <c>[out, in]</c>, and their scales, <c>[out, groups]</c>.</summary>
    public static (Tensor Weight, Tensor Scales) Quantize(Tensor weight)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        (long outputs, long inputs) = (weight.shape[0], weight.shape[1]);
        long group = GroupWidth(inputs);
        Tensor quantized = empty([outputs, inputs], dtype: ScalarType.Int8, device: weight.device), scales = empty([outputs, inputs / group], dtype: ScalarType.Float32, device: weight.device);
        foreach ((long first, long count) in Blocks(outputs, inputs))
        {
            using var block = NewDisposeScope();
            Tensor values = weight.narrow(0, first, count).to(ScalarType.Float32).reshape(count, inputs / group, group);
            Tensor scale = values.abs().amax([-1L], false) / Largest;
            Tensor divisor = scale.masked_fill(scale.eq(0), 1).unsqueeze(-1);      // a group of zeros
            quantized.narrow(0, first, count).copy_((values / divisor).round().view(count, inputs));
            scales.narrow(0, first, count).copy_(scale);
        }
        return (quantized.MoveToOuterDisposeScope(), scales.MoveToOuterDisposeScope());
    }

    /// <summary>The weights in floating point.</summary>
    public static Tensor Dequantize(Tensor weight, Tensor scales, ScalarType type)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        (long outputs, long inputs, long groups) = (weight.shape[0], weight.shape[1], scales.shape[1]);
        Tensor values = weight.to(ScalarType.Float32).view(outputs, groups, inputs / groups).mul_(scales.unsqueeze(-1));
        return values.view(outputs, inputs).to(type).MoveToOuterDisposeScope();
    }

    /// <summary><c>x Wᵀ + b</c> in the element type of the input; the weights are widened block by block.</summary>
    public static Tensor Product(Tensor input, Tensor weight, Tensor scales, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        foreach ((long first, long count) in Blocks(weight.shape[0], weight.shape[1]))
        {
            // What a way back needs of the widened block, the graph holds.
            using Tensor rows = weight.narrow(0, first, count), own = scales.narrow(0, first, count), widened = Dequantize(rows, own, input.dtype);
            parts.Add(F.linear(input, widened));
        }
        Tensor product = parts.Count == 1 ? parts[0] : cat(parts, -1);
        return (bias is null ? product : product + bias).MoveToOuterDisposeScope();
    }

    private static IEnumerable<(long First, long Count)> Blocks(long outputs, long inputs)
    {
        long rows = Math.Max(1, WidenedElements / inputs);
        for (long first = 0; first < outputs; first += rows) yield return (first, Math.Min(rows, outputs - first));
    }
}
