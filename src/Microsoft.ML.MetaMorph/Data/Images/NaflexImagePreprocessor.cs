namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Pictures → patches in each picture's own aspect ratio (SigLIP 2 NaFlex, <c>Siglip2ImageProcessor</c>): resized so that as many patches as
/// allowed are filled, cut into patches from left to right and top to bottom, and padded to a common number of patches.
/// </summary>
internal sealed class NaflexImagePreprocessor
{
    private const double SearchPrecision = 1e-5;
    private const double LargestScale = 100.0;

    private readonly PixelNormalization _normalization;

    public NaflexImagePreprocessor(ImagePreprocessorConfig? config = null)
    {
        Config = config ?? new ImagePreprocessorConfig { Naflex = true, Resample = ResampleFilter.Bilinear };
        ArgumentOutOfRangeException.ThrowIfLessThan(Config.PatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Config.MaximumPatches, 1);
        _normalization = new PixelNormalization(Config);
    }

    public ImagePreprocessorConfig Config { get; }

    /// <summary>
    /// The size that a picture is resized to: the largest multiple of the patch in both directions that keeps to the number of patches.
    /// The published bisection is followed step by step, since where two scales are close its precision decides.
    /// </summary>
    public static (int Height, int Width) ChooseSize(int height, int width, int patchSize, int maximumPatches)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(patchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumPatches, 1);
        double low = SearchPrecision / 10, high = LargestScale;
        while (high - low >= SearchPrecision)
        {
            double scale = (low + high) / 2;
            double patches = (double)Patches(scale, height, patchSize) * Patches(scale, width, patchSize);
            if (patches <= maximumPatches) low = scale;
            else high = scale;
        }
        return (checked((int)Patches(low, height, patchSize) * patchSize), checked((int)Patches(low, width, patchSize) * patchSize));
    }

    /// <summary>Preprocesses pictures of any sizes into one batch.</summary>
    public NaflexBatch Preprocess(IReadOnlyList<RgbImage> images)
    {
        int patchLength = checked(Config.PatchSize * Config.PatchSize * 3), maximum = Config.MaximumPatches;
        float[] pixels = new float[checked(images.Count * maximum * patchLength)];
        int[] mask = new int[images.Count * maximum];
        long[] shapes = new long[images.Count * 2];
        Parallel.For(0, images.Count, i =>
        {
            RgbImage resized = Fit(images[i]);
            int down = resized.Height / Config.PatchSize, across = resized.Width / Config.PatchSize;
            (shapes[i * 2], shapes[i * 2 + 1]) = (down, across);
            mask.AsSpan(i * maximum, down * across).Fill(1);
            Flatten(resized, down, across, pixels.AsSpan(i * maximum * patchLength, down * across * patchLength));
        });
        return new NaflexBatch(images.Count, maximum, patchLength, pixels, mask, shapes);
    }

    private static long Patches(double scale, int size, int patchSize) => Math.Max((long)Math.Ceiling(size * scale / patchSize), 1);

    /// <summary>Checks, without resizing anything, that a picture can be preprocessed.</summary>
    /// <exception cref="InvalidDataException">It is thinner than any scale can help.</exception>
    /// <exception cref="ArgumentException">It would have to be resized, which the configuration switches off.</exception>
    public void Check(RgbImage image) => TargetSize(image);

    private (int Height, int Width) TargetSize(RgbImage image)
    {
        int patch = Config.PatchSize;
        if (!Config.Resize)
        {
            if (image.Width % patch == 0 && image.Height % patch == 0 && (long)(image.Width / patch) * (image.Height / patch) <= Config.MaximumPatches) return (image.Height, image.Width);
            throw new ArgumentException($"The configuration switches resizing off (do_resize), but a picture of {image.Width}x{image.Height} is not at most {Config.MaximumPatches} whole patches of {patch}x{patch}.");
        }
        (int height, int width) = ChooseSize(image.Height, image.Width, patch, Config.MaximumPatches);
        return (long)(height / patch) * (width / patch) <= Config.MaximumPatches
            ? (height, width)
            : throw new InvalidDataException($"A picture of {image.Width}x{image.Height} does not fit {Config.MaximumPatches} patches of {patch}x{patch} at any scale: its smallest size is {width / patch}x{height / patch} patches. Crop it.");
    }

    private RgbImage Fit(RgbImage image)
    {
        (int height, int width) = TargetSize(image);
        return Config.Resize ? ImageResampler.Resize(image, width, height, Config.Resample) : image;
    }

    private void Flatten(RgbImage image, int down, int across, Span<float> destination)
    {
        int patch = Config.PatchSize, to = 0;
        for (int row = 0; row < down; row++)
            for (int column = 0; column < across; column++)
                for (int y = 0; y < patch; y++)
                {
                    ReadOnlySpan<byte> from = image.Pixels.AsSpan(((row * patch + y) * image.Width + column * patch) * 3, patch * 3);
                    for (int x = 0; x < from.Length; x++) destination[to++] = _normalization.Channel(x % 3)[from[x]];
                }
    }
}
