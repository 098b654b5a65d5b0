using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Rotary positions in the half-split layout of the published models: element i turns together with element i + d/2.</summary>
/// <remarks>
/// Angles are float32 products of float32 frequencies, as where the weights were trained; at position 100,000 a wider product would
/// turn by another angle. The table is no buffer of the model: it belongs to no checkpoint and is made for each device on first use.
/// </remarks>
internal sealed class RotaryEmbedding
{
    private readonly float[] _frequencies;
    private readonly ConcurrentDictionary<string, RotaryTable> _tables = new();

    public RotaryEmbedding(LanguageModelConfig config)
    {
        Width = config.HeadWidth;
        _frequencies = new float[Width / 2];
        for (int i = 0; i < _frequencies.Length; i++)
            _frequencies[i] = Scale(1f / MathF.Pow((float)config.RopeTheta, 2f * i / Width), config.RopeScaling);
    }

    /// <summary>The width of a head.</summary>
    public int Width { get; }

    /// <summary>Radians a position, for each pair of elements.</summary>
    public ReadOnlySpan<float> Frequencies => _frequencies;

    /// <summary>Cosines and signed sines <c>[positions, d]</c> for the positions 0 … at least <paramref name="positions"/> − 1.</summary>
    /// <remarks>The tensors are shared: never dispose or change them.</remarks>
    public RotaryTable Table(int positions, Device device)
    {
        string key = device.ToString();
        if (_tables.TryGetValue(key, out RotaryTable? table) && table.Positions >= positions) return table;
        // Powers of two: a growing cache rebuilds the table a few times, not at every step. A table that was replaced may still be in use.
        return _tables[key] = Build(Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)positions)), device);
    }

    /// <summary>Turns <c>[b, t, heads, d]</c> by cosines and signed sines that broadcast to it.</summary>
    public static Tensor Rotate(Tensor input, Tensor cosine, Tensor signedSine)
    {
        using var scope = NewDisposeScope();
        Tensor swapped = input.roll(input.shape[^1] / 2, -1);
        return (input * cosine).addcmul(swapped, signedSine, 1).MoveToOuterDisposeScope();
    }

    private static float Scale(float frequency, RopeScaling? scaling)
    {
        if (scaling is null) return frequency;
        if (scaling.Kind == RopeScalingKind.Linear) return frequency / (float)scaling.Factor;
        double wavelength = 2 * Math.PI / frequency;
        double longest = scaling.OriginalMaxPositions / scaling.LowFrequencyFactor, shortest = scaling.OriginalMaxPositions / scaling.HighFrequencyFactor;
        if (wavelength < shortest) return frequency;
        if (wavelength > longest) return frequency / (float)scaling.Factor;
        double smooth = (scaling.OriginalMaxPositions / wavelength - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return (float)((1 - smooth) * frequency / scaling.Factor + smooth * frequency);
    }

    private RotaryTable Build(int positions, Device device)
    {
        int half = _frequencies.Length;
        var cosine = new float[positions * Width];
        var sine = new float[positions * Width];
        for (int p = 0; p < positions; p++)
        {
            int row = p * Width;
            for (int i = 0; i < half; i++)
            {
                float angle = p * _frequencies[i];
                cosine[row + i] = cosine[row + half + i] = (float)Math.Cos(angle);
                sine[row + half + i] = (float)Math.Sin(angle);
                sine[row + i] = -sine[row + half + i];
            }
        }
        using var mode = no_grad();
        return new RotaryTable(positions, OnDevice(cosine), OnDevice(sine));

        Tensor OnDevice(float[] values) => tensor(values, [positions, Width], device: device).DetachFromDisposeScope();
    }
}

/// <summary>Cosines and sines by position, the sines with their first half negated, so that a swap of the halves finishes the turn.</summary>
/// <param name="Positions">The number of rows.</param>
/// <param name="Cosine"><c>[positions, d]</c>.</param>
/// <param name="SignedSine"><c>[positions, d]</c>.</param>
internal sealed record RotaryTable(int Positions, Tensor Cosine, Tensor SignedSine);
