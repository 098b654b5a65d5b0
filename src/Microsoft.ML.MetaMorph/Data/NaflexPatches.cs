namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures of any shape as patches for SigLIP 2 NaFlex, as transformers' <c>Siglip2ImageProcessor</c> makes them.</summary>
internal static class NaflexPatches
{
    private const double SearchPrecision = 1e-5, LargestScale = 100;

    /// <summary>The size to resize a picture to: its shape kept as far as whole patches allow, at most <paramref name="maximumPatches"/> of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public static (int Height, int Width) TargetSize(int height, int width, int patchSize, int maximumPatches)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumPatches);
        double low = SearchPrecision / 10, high = LargestScale;
        while (high - low >= SearchPrecision)
        {
            double scale = (low + high) / 2;
            if (Patches(height, scale, patchSize) * Patches(width, scale, patchSize) <= maximumPatches) low = scale;
            else high = scale;
        }
        return ((int)Patches(height, low, patchSize) * patchSize, (int)Patches(width, low, patchSize) * patchSize);
    }

    /// <summary>
    /// RGB bytes <c>[height, width, 3]</c> of whole patches → floats from −1 to 1, patch after patch (rows of the grid first), each
    /// patch by row, column and channel.
    /// </summary>
    /// <exception cref="ArgumentException">The bytes do not make up the picture, or its size is no multiple of the patch.</exception>
    public static float[] Extract(ReadOnlySpan<byte> rgb, int height, int width, int patchSize)
    {
        if (height % patchSize != 0 || width % patchSize != 0) throw new ArgumentException($"A picture of {height} x {width} pixels is not made of whole patches of {patchSize} pixels; resize it to TargetSize first.");
        if (rgb.Length != 3L * height * width) throw new ArgumentException($"A picture of {height} x {width} pixels has {3L * height * width} bytes of RGB, not {rgb.Length}.", nameof(rgb));
        var patches = new float[rgb.Length];
        int run = 3 * patchSize, next = 0;
        for (int top = 0; top < height; top += patchSize)
        {
            for (int left = 0; left < width; left += patchSize)
            {
                for (int row = top; row < top + patchSize; row++)
                {
                    foreach (byte level in rgb.Slice(3 * (row * width + left), run)) patches[next++] = level / 127.5f - 1;
                }
            }
        }
        return patches;
    }

    private static double Patches(int size, double scale, int patchSize) => Math.Max(1, Math.Ceiling(size * scale / patchSize));
}
