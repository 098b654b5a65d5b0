namespace Microsoft.ML.MetaMorph;

/// <summary>
/// (byte · rescale − mean) / deviation for each channel, as a table of 256 floats: the product in double rounded to float, the rest in float,
/// as the published processors compute it.
/// </summary>
internal sealed class PixelNormalization
{
    private readonly float[] _table = new float[3 * 256];

    public PixelNormalization(ImagePreprocessorConfig config)
    {
        if (config.Mean.Count != 3 || config.StandardDeviation.Count != 3)
            throw new ArgumentException($"Pictures have 3 channels; {config.Mean.Count} means and {config.StandardDeviation.Count} deviations were given.");
        for (int i = 0; i < _table.Length; i++)
        {
            int channel = i / 256, level = i % 256;
            float value = config.Rescale ? (float)(level * config.RescaleFactor) : level;
            _table[i] = config.Normalize ? (value - config.Mean[channel]) / config.StandardDeviation[channel] : value;
        }
    }

    /// <summary>The 256 values of a channel.</summary>
    public ReadOnlySpan<float> Channel(int channel) => _table.AsSpan(channel * 256, 256);
}
