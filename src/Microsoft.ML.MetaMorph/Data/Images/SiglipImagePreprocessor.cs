using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Pictures → the input of a SigLIP vision tower: resized to one size, rescaled and normalised, float32, channels first ([3, height, width]).
/// Source of the figures: <c>SiglipImageProcessor</c> of the published checkpoints. Instances hold no state and may be shared by threads.
/// </summary>
internal sealed class SiglipImagePreprocessor
{
    private readonly PixelNormalization _normalization;

    public SiglipImagePreprocessor(ImagePreprocessorConfig? config = null, long maximumPixels = ImageDecoder.DefaultMaximumPixels)
    {
        Config = config ?? new ImagePreprocessorConfig();
        if (Config.Naflex) throw new ArgumentException($"This configuration keeps each picture's own shape (NaFlex); use {nameof(NaflexImagePreprocessor)}.", nameof(config));
        ArgumentOutOfRangeException.ThrowIfLessThan(Config.Height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Config.Width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumPixels, 1);
        MaximumPixels = maximumPixels;
        _normalization = new PixelNormalization(Config);
    }

    public ImagePreprocessorConfig Config { get; }

    /// <summary>Width × height beyond which a picture is refused before it is decoded.</summary>
    public long MaximumPixels { get; }

    public int Height => Config.Height;

    public int Width => Config.Width;

    /// <summary>Floats of one picture: 3 × height × width.</summary>
    public int Length => checked(3 * Height * Width);

    public float[] Preprocess(RgbImage image)
    {
        float[] pixels = new float[Length];
        Preprocess(image, pixels);
        return pixels;
    }

    public float[] Preprocess(MLImage image) => Preprocess(RgbImage.FromMLImage(image));

    /// <summary>Several pictures, one after another in one array ([count, 3, height, width]), on all cores.</summary>
    public float[] PreprocessBatch(IReadOnlyList<RgbImage> images)
    {
        int length = Length;
        float[] pixels = new float[checked(length * images.Count)];
        if (images.Count == 1) Preprocess(images[0], pixels);
        else Parallel.For(0, images.Count, i => Preprocess(images[i], pixels.AsSpan(i * length, length)));
        return pixels;
    }

    /// <summary>Writes [3, height, width] floats.</summary>
    public void Preprocess(RgbImage image, Span<float> destination)
    {
        if (destination.Length != Length)
            throw new ArgumentException($"A preprocessed picture takes {Length} floats; the destination has {destination.Length}.", nameof(destination));
        RgbImage resized = Fit(image);
        int plane = Height * Width;
        for (int channel = 0; channel < 3; channel++)
        {
            ReadOnlySpan<float> values = _normalization.Channel(channel);
            Span<float> to = destination.Slice(channel * plane, plane);
            ReadOnlySpan<byte> from = resized.Pixels.AsSpan(channel);
            for (int i = 0; i < to.Length; i++) to[i] = values[from[i * 3]];
        }
    }

    /// <summary>The picture in the model's size, before it becomes floats.</summary>
    public RgbImage Fit(RgbImage image)
    {
        Check(image);
        if (Config.AspectRatio == ImageAspectRatio.Pad) image = PadToSquare(image);
        return Config.Resize ? ImageResampler.Resize(image, Width, Height, Config.Resample) : image;
    }

    /// <summary>Checks, without computing anything, that a picture can be preprocessed.</summary>
    /// <exception cref="InvalidDataException">It would be too large.</exception>
    /// <exception cref="ArgumentException">It would have to be resized, which the configuration switches off.</exception>
    public void Check(RgbImage image)
    {
        bool pads = Config.AspectRatio == ImageAspectRatio.Pad;
        int side = Math.Max(image.Width, image.Height);
        if (pads && image.Width != image.Height && (long)side * side > MaximumPixels)
            throw new InvalidDataException($"A picture of {image.Width}x{image.Height} padded to a square has {(long)side * side} pixels, more than the limit of {MaximumPixels}. Shrink it, crop it, or stretch it ({nameof(ImageAspectRatio.Square)}).");
        (int width, int height) = pads ? (side, side) : (image.Width, image.Height);
        if (!Config.Resize && (width != Width || height != Height))
            throw new ArgumentException($"The configuration switches resizing off (do_resize) and the model takes {Width}x{Height}, but the picture has {image.Width}x{image.Height}.");
    }

    private RgbImage PadToSquare(RgbImage image)
    {
        int side = Math.Max(image.Width, image.Height);
        if (image.Width == image.Height) return image;
        byte[] pixels = new byte[checked(side * side * 3)];
        ReadOnlySpan<byte> grey = [Background(0), Background(1), Background(2)];
        for (int i = 0; i < pixels.Length; i += 3) grey.CopyTo(pixels.AsSpan(i));
        int left = (side - image.Width) / 2, top = (side - image.Height) / 2;
        for (int y = 0; y < image.Height; y++)
            image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3).CopyTo(pixels.AsSpan(((y + top) * side + left) * 3));
        return new RgbImage(side, side, pixels);
    }

    /// <summary>The mean colour, cut to a whole level: 127 for a mean of 0.5.</summary>
    private byte Background(int channel) => (byte)Math.Clamp((int)(Config.Mean[channel] * 255), 0, 255);
}
