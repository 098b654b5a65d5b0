namespace Microsoft.ML.MetaMorph;

/// <summary>The size of the pictures and of their samples, and how many fit into memory at a time.</summary>
/// <param name="Height">Of a picture, in pixels.</param>
/// <param name="Width">Of a picture.</param>
/// <param name="SampleHeight">Of a sample.</param>
/// <param name="SampleWidth">Of a sample.</param>
/// <param name="Rows">Pictures that are drawn together.</param>
/// <param name="Decoded">Pictures that are decoded together.</param>
/// <param name="Apart">Whether the guided and the unguided prediction are asked for one after the other.</param>
internal sealed record DrawingPlan(int Height, int Width, int SampleHeight, int SampleWidth, int Rows, int Decoded, bool Apart)
{
    /// <summary>The four bytes of each pixel of an ML.NET picture lie in one array.</summary>
    private static readonly int MostPixels = Array.MaxLength / 4;

    /// <summary>Plans a drawing.</summary>
    /// <param name="denoiser">Says what sizes it takes and how much memory.</param>
    /// <param name="codec">The same of decoding.</param>
    /// <param name="options">Sizes, guidance and limits.</param>
    /// <param name="start">Height and width of the pictures that the drawing begins with, if any.</param>
    /// <param name="available">Bytes that are free; null: measured now.</param>
    /// <exception cref="ArgumentException">The size is none that the visualizer can draw.</exception>
    /// <exception cref="InsufficientMemoryException">One picture alone takes more than the budget.</exception>
    public static DrawingPlan Create(IDenoiser denoiser, IPictureCodec codec, ImageGenerationOptions options, (int Height, int Width)? start = null, long? available = null)
    {
        (int Height, int Width) trained = (denoiser.SampleSize.Height * codec.Scale, denoiser.SampleSize.Width * codec.Scale);
        (int height, int width) = Size(options, start, trained, codec.Scale, denoiser.SizeMultiple);
        int sampleHeight = height / codec.Scale, sampleWidth = width / codec.Scale;
        long budget = options.MemoryBudget ?? (available ?? AvailableMemory.Measure()) / 2;
        long drawn = Math.Max(1, denoiser.RowBytes(sampleHeight, sampleWidth)), decoded = Math.Max(1, codec.RowBytes(height, width));
        if (Math.Max(drawn, decoded) > budget) throw TooLarge(height, width, drawn, decoded, budget, options.MemoryBudget is not null);
        long together = options.IsGuided ? 2 * drawn : drawn;
        int rows = (int)Math.Clamp(budget / together, 1, options.MaximumBatchSize);
        return new DrawingPlan(height, width, sampleHeight, sampleWidth, rows, (int)Math.Clamp(budget / decoded, 1, rows), Apart: together > budget);
    }

    /// <summary>Height and width of the pictures.</summary>
    /// <param name="options">May ask for them.</param>
    /// <param name="start">Of the pictures that the drawing begins with, if any.</param>
    /// <param name="trained">Height and width of the pictures that the visualizer was trained with.</param>
    /// <param name="scale">Pixels of a picture beside one of a sample.</param>
    /// <param name="halvings">The multiple that the sides of a sample must be of.</param>
    /// <exception cref="ArgumentException">The size is none that the visualizer can draw, or ML.NET can hold.</exception>
    public static (int Height, int Width) Size(ImageGenerationOptions options, (int Height, int Width)? start, (int Height, int Width) trained, int scale, int halvings)
    {
        int height = Side(nameof(options.Height), options.Height, start?.Height, trained.Height, scale, halvings), width = Side(nameof(options.Width), options.Width, start?.Width, trained.Width, scale, halvings);
        if ((long)height * width > MostPixels)
            throw new ArgumentException(FormattableString.Invariant($"{nameof(options.Height)} {height} times {nameof(options.Width)} {width} is {(long)height * width} pixels; a picture of ML.NET has at most {MostPixels}, such as {Math.Floor(Math.Sqrt(MostPixels))} x {Math.Floor(Math.Sqrt(MostPixels))}."), nameof(options));
        return (height, width);
    }

    private static int Side(string name, int? wanted, int? start, int trained, int scale, int halvings)
    {
        if (wanted is not null && start is not null && wanted != start)
            throw new ArgumentException($"{name} is {wanted}, but the picture that the drawing begins with has {start} pixels. Resize it, or leave {name} out.");
        int side = start ?? wanted ?? trained, multiple = scale * halvings;
        if (side % multiple == 0) return side;
        int below = side / multiple * multiple;
        string nearest = below == 0 ? $"{multiple}" : $"{below} or {below + multiple}";
        throw new ArgumentException($"{name} is {side} pixels; this visualizer needs a multiple of {multiple} ({scale} pixels along a side of a sample's pixel, times {halvings} for the network's halvings), such as {nearest}.");
    }

    private static InsufficientMemoryException TooLarge(int height, int width, long drawn, long decoded, long budget, bool given)
    {
        string limit = given ? $"{nameof(ImageGenerationOptions.MemoryBudget)} is {Megabytes(budget)}" : $"{Megabytes(budget)} (half of what is free) may be taken";
        return new InsufficientMemoryException($"Drawing one picture of {width}x{height} pixels takes about {Megabytes(drawn)} in a step and {Megabytes(decoded)} for decoding, but {limit}. Draw smaller pictures, or free memory.");
    }

    private static string Megabytes(long bytes) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB");
}
