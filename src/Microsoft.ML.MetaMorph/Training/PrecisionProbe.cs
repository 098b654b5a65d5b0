using System.Collections.Concurrent;
using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Decides between float32 and bfloat16 by measuring. Instruction-set flags do not tell: the same multiplication is 5 times faster in
/// bfloat16 on one processor and 150 times slower on another.
/// </summary>
internal static class PrecisionProbe
{
    private const int Rounds = 5;

    // How much slower a small layer in bfloat16 may be. Where the processor has the instructions it was 6 to 7 times, by the conversions alone.
    private const double Disaster = 30;

    // Seconds of a layer in bfloat16 after which a round in which it is far behind is the last.
    private const double Hopeless = 10e-3;

    private static readonly ConcurrentDictionary<string, Lazy<PrecisionChoice>> Measured = new();

    /// <summary>What <paramref name="precision"/> means on a device. Auto is measured at the first call for the device, in some 50 ms.</summary>
    public static PrecisionChoice Resolve(Precision precision, Device device) => precision switch
    {
        Precision.Float32 => new PrecisionChoice(ScalarType.Float32, "asked for"),
        Precision.BFloat16 => new PrecisionChoice(ScalarType.BFloat16, "asked for"),
        Precision.Auto => Measured.GetOrAdd(device.ToString(), _ => new Lazy<PrecisionChoice>(() => Measure(device))).Value,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Precision is Auto, Float32 or BFloat16."),
    };

    /// <summary>Sets the compute type of every layer below <paramref name="module"/> that has one.</summary>
    public static void Apply(nn.Module module, PrecisionChoice choice)
    {
        foreach (nn.Module part in module.modules().Append(module))
        {
            if (part is IComputeTyped layer) layer.ComputeType = choice.ComputeType;
        }
    }

    private static PrecisionChoice Measure(Device device)
    {
        using var mode = no_grad();
        // Small first, so that a processor on which bfloat16 is a disaster costs milliseconds and not seconds. A small layer decides nothing
        // else: its conversions weigh more than its products.
        (double single, double low) = Time(64, 256, device);
        if (low < Disaster * single) (single, low) = Time(512, 1024, device);
        ScalarType chosen = low < 0.9 * single ? ScalarType.BFloat16 : ScalarType.Float32;
        return new PrecisionChoice(chosen, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"measured on {device}: float32 {single * 1e3:F3} ms, bfloat16 {low * 1e3:F3} ms"));
    }

    /// <summary>Seconds of one linear layer in float32 and, with the conversions from and to float32 that a layer makes, in bfloat16: the best of some rounds.</summary>
    private static (double Single, double Low) Time(long rows, long width, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor input = ones([rows, width], dtype: ScalarType.Float32, device: device), weight = ones([width, width], dtype: ScalarType.Float32, device: device);
        (double single, double low) = (double.PositiveInfinity, double.PositiveInfinity);
        // Both in turns: a program that takes the processor meanwhile disturbs a round, not one side. The first round warms up.
        for (int round = 0; round <= Rounds; round++)
        {
            double seconds = Seconds(device, () => F.linear(input, weight));
            double lowSeconds = Seconds(device, () => F.linear(input.to(ScalarType.BFloat16), weight.to(ScalarType.BFloat16)).to(ScalarType.Float32));
            if (round > 0) (single, low) = (Math.Min(single, seconds), Math.Min(low, lowSeconds));
            if (lowSeconds > Hopeless && low > 3 * single) break;
        }
        return (single, low);
    }

    private static double Seconds(Device device, Func<Tensor> layer)
    {
        long begin = Stopwatch.GetTimestamp();
        using Tensor result = layer();
        if (device.type == DeviceType.CUDA) cuda.synchronize(device);
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}

/// <summary>A decided precision.</summary>
/// <param name="ComputeType">Float32 or BFloat16.</param>
/// <param name="Reason">For the log and the stored model.</param>
internal sealed record PrecisionChoice(ScalarType ComputeType, string Reason)
{
    public override string ToString() => $"{ComputeType} ({Reason})";
}
