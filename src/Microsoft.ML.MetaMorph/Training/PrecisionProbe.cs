using System.Collections.Concurrent;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Decides between float32 and bfloat16 by measuring. Instruction-set flags do not tell: the same multiplication is 5 times faster in
/// bfloat16 on one processor and 150 times slower on another; and where it is faster for wide layers, narrow ones lose more by the
/// conversions than the product gains. So it is a layer as wide as the model's that is measured.
/// </summary>
internal static class PrecisionProbe
{
    private const int Rows = 512;
    private const int NarrowestLayer = 64;
    private const int WidestLayer = 1024;

    // Both minima count as found when so many rounds came so near to them, and never after fewer rounds than that and a warm-up.
    private const int AgreeingRounds = 3;
    private const double Agreement = 1.1;
    private const int MostRounds = 40;

    // How much faster bfloat16 has to be. In training a layer's way back converts too, and is not measured: layers of 128 that were 1.36 times
    // as fast on their way forward cost a fifth of a training's steps.
    private const double Gain = 1.5;

    // How much slower a small layer in bfloat16 may be. Where the processor has the instructions it was 6 to 7 times, by the conversions alone.
    private const double Disaster = 30;

    // Seconds of a layer in bfloat16 after which a round in which it is far behind is the last.
    private const double Hopeless = 10e-3;

    private static readonly ConcurrentDictionary<(string Device, long Width), Lazy<PrecisionChoice>> Measured = new();

    /// <summary>
    /// What <paramref name="precision"/> means for a model on a device. Auto is measured at the first call for the device and a width of layers,
    /// in some 100 ms.
    /// </summary>
    public static PrecisionChoice Resolve(Precision precision, nn.Module model, Device device) => precision switch
    {
        Precision.Float32 => new PrecisionChoice(ScalarType.Float32, "asked for"),
        Precision.BFloat16 => new PrecisionChoice(ScalarType.BFloat16, "asked for"),
        Precision.Auto => Auto(LayerWidth(model), device),
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Precision is Auto, Float32 or BFloat16."),
    };

    /// <summary>Sets the compute type of every layer below <paramref name="module"/> that has one.</summary>
    /// <param name="module">A model, or a part of one.</param>
    /// <param name="choice">The compute type.</param>
    /// <param name="isFixed">Nothing will ever write to the weights: layers may keep copies in the compute type.</param>
    public static void Apply(nn.Module module, PrecisionChoice choice, bool isFixed = false)
    {
        foreach (IComputeTyped layer in Layers(module))
        {
            layer.ComputeType = choice.ComputeType;
            layer.ProductWeight.IsFixed = isFixed;
        }
    }

    /// <summary>
    /// How wide the layers are in which a model spends its time: of a weight [out, in], one input and one output are converted for each
    /// 2 · in · out / (in + out) products of a kind, and a layer counts by its products. Rounded to a power of two.
    /// </summary>
    internal static long LayerWidth(nn.Module model)
    {
        (double products, double weighted) = (0, 0);
        foreach (nn.Module layer in Layers(model).Cast<nn.Module>())
        {
            foreach ((_, Parameter weight) in layer.named_parameters(recurse: false))
            {
                if (weight.dim() < 2) continue;
                double size = weight.numel(), outputs = weight.shape[0], inputs = size / outputs;
                products += size;
                weighted += size * 2 * inputs * outputs / (inputs + outputs);
            }
        }
        if (products == 0) return WidestLayer;
        return Math.Clamp(1L << (int)Math.Round(Math.Log2(weighted / products)), NarrowestLayer, WidestLayer);
    }

    private static IEnumerable<IComputeTyped> Layers(nn.Module module) => module.modules().Append(module).OfType<IComputeTyped>();

    private static PrecisionChoice Auto(long width, Device device)
        => Measured.GetOrAdd((device.ToString(), width), _ => new Lazy<PrecisionChoice>(() => Measure(width, device))).Value;

    private static PrecisionChoice Measure(long width, Device device)
    {
        using var mode = no_grad();
        // Small first, so that a processor on which bfloat16 is a disaster costs milliseconds and not seconds.
        (double single, double low) = Time(64, 256, device);
        if (low < Disaster * single) (single, low) = Time(Rows, width, device);
        ScalarType chosen = Gain * low < single ? ScalarType.BFloat16 : ScalarType.Float32;
        return new PrecisionChoice(chosen, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"measured on {device} for layers of {width}: float32 {single * 1e3:F3} ms, bfloat16 {low * 1e3:F3} ms"));
    }

    /// <summary>Seconds of one linear layer in float32 and, with the conversions from and to float32 that a layer makes, in bfloat16: the best of some rounds.</summary>
    private static (double Single, double Low) Time(long rows, long width, Device device)
    {
        using var scope = NewDisposeScope();
        Tensor input = ones([rows, width], dtype: ScalarType.Float32, device: device), weight = ones([width, width], dtype: ScalarType.Float32, device: device);
        (List<double> single, List<double> low) = ([], []);
        using var timer = new SingleThreadTimer(device);
        // Both in turns: what disturbs meanwhile disturbs a round, not one side. The first round warms up.
        for (int round = 0; round <= MostRounds && !(IsFound(single) && IsFound(low)); round++)
        {
            double seconds = Seconds(timer, () => Linear.Product(input, weight, null, ScalarType.Float32));
            double lowSeconds = Seconds(timer, () => Linear.Product(input, weight, null, ScalarType.BFloat16));
            if (round == 0) continue;
            single.Add(seconds);
            low.Add(lowSeconds);
            if (lowSeconds > Hopeless && lowSeconds > 3 * single.Min()) break;
        }
        return (single.Min(), low.Min());
    }

    /// <summary>Whether the best time is no accident, and is not still falling.</summary>
    private static bool IsFound(List<double> times) => times.Count >= AgreeingRounds && times.Count(time => time < Agreement * times.Min()) >= AgreeingRounds;

    private static double Seconds(SingleThreadTimer timer, Func<Tensor> layer)
    {
        double begin = timer.Seconds;
        using Tensor result = layer();
        return timer.Seconds - begin;
    }
}

/// <summary>A decided precision.</summary>
/// <param name="ComputeType">Float32 or BFloat16.</param>
/// <param name="Reason">For the log and the stored model.</param>
internal sealed record PrecisionChoice(ScalarType ComputeType, string Reason)
{
    public override string ToString() => $"{ComputeType} ({Reason})";
}
