using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>What <c>preprocessor_config.json</c> says, as published for SigLIP and SigLIP 2.</summary>
internal sealed record ImagePreprocessorConfig
{
    public const string FileName = "preprocessor_config.json";

    // Published configurations make −1 to 1 of a pixel, or 0 to 255; sums of squares of this still fit float32.
    private const double LargestValue = 1e6;

    /// <summary>Height of the model's input in pixels; 384 for so400m/14.</summary>
    public int Height { get; init; } = 384;

    /// <summary>Width of the model's input in pixels.</summary>
    public int Width { get; init; } = 384;

    /// <summary>Subtracted from each channel after rescaling.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [0.5f, 0.5f, 0.5f];

    /// <summary>Divides each channel after the mean is subtracted.</summary>
    public IReadOnlyList<float> StandardDeviation { get; init; } = [0.5f, 0.5f, 0.5f];

    public ResampleFilter Resample { get; init; } = ResampleFilter.Bicubic;

    public double RescaleFactor { get; init; } = 1.0 / 255.0;

    public bool Resize { get; init; } = true;

    public bool Rescale { get; init; } = true;

    public bool Normalize { get; init; } = true;

    public ImageAspectRatio AspectRatio { get; init; } = ImageAspectRatio.Square;

    /// <summary>Whether the patches follow each picture's own aspect ratio (SigLIP 2 NaFlex) instead of one size.</summary>
    public bool Naflex { get; init; }

    /// <summary>NaFlex: the side of a patch in pixels.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>NaFlex: patches of a picture at most, and the length that every picture is padded to.</summary>
    public int MaximumPatches { get; init; } = 256;

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>Reads the file of a model folder.</summary>
    /// <exception cref="FileNotFoundException">The folder has no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not what was expected.</exception>
    public static ImagePreprocessorConfig Load(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) throw new FileNotFoundException($"'{folder}' has no {FileName}, which says how large the pictures of this model are.", path);
        try
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(path));
            return FromJson(json.RootElement, path);
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException($"{path}: not valid JSON: {failure.Message}", failure);
        }
    }

    /// <param name="json">The configuration.</param>
    /// <param name="file">The file that it comes from, for messages; null where whoever reads it gives them the name.</param>
    public static ImagePreprocessorConfig FromJson(JsonElement json, string? file = null)
    {
        string source = file is null ? "" : file + ": ";
        if (json.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{source}a JSON object is needed, not {json.ValueKind}.");
        bool naflex = ReadNaflex(json, source);
        (int height, int width) = naflex ? (0, 0) : ReadSize(json, source);
        var config = new ImagePreprocessorConfig
        {
            Keys = ConfigKeys.Of(json),
            Height = height,
            Width = width,
            Mean = ReadChannels(json, "image_mean", source, positive: false),
            StandardDeviation = ReadChannels(json, "image_std", source, positive: true),
            Resample = ReadFilter(json, naflex ? ResampleFilter.Bilinear : ResampleFilter.Bicubic, source),
            RescaleFactor = Find(json, "rescale_factor") is { } factor ? ReadNumber(factor, "rescale_factor", source) : 1.0 / 255.0,
            Resize = ReadFlag(json, "do_resize", source),
            Rescale = ReadFlag(json, "do_rescale", source),
            Normalize = ReadFlag(json, "do_normalize", source),
            AspectRatio = ReadAspectRatio(json, source),
            Naflex = naflex,
            PatchSize = Find(json, "patch_size") is { } patch ? ReadCount(patch, "patch_size", source) : 16,
            MaximumPatches = Find(json, "max_num_patches") is { } patches ? ReadCount(patches, "max_num_patches", source) : 256,
        };
        config.RequireValues(source);
        return config;
    }

    /// <summary>Refuses numbers that make pictures of values with which no tower can compute; it would else look as if its weights were broken.</summary>
    private void RequireValues(string source)
    {
        double factor = Rescale ? RescaleFactor : 1;
        for (int channel = 0; channel < 3; channel++)
        {
            double white = 255 * factor;
            if (Normalize) white = (white - Mean[channel]) / StandardDeviation[channel];
            if (Math.Abs(white) <= LargestValue) continue;
            string means = Normalize ? FormattableString.Invariant($", 'image_mean' {Mean[channel]} and 'image_std' {StandardDeviation[channel]}") : "";
            throw new InvalidDataException(FormattableString.Invariant($"{source}'rescale_factor' is {factor}: with it{means}, a pixel of 255 becomes {white} in channel {channel + 1}; at most {LargestValue} can be computed with. 1/255, 0.5 and 0.5 are usual."));
        }
    }

    /// <summary>Writes the published names, so that other libraries open the folder.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("do_normalize", Normalize);
        writer.WriteBoolean("do_rescale", Rescale);
        writer.WriteBoolean("do_resize", Resize);
        if (AspectRatio == ImageAspectRatio.Pad) writer.WriteString("image_aspect_ratio", "pad");
        WriteChannels(writer, "image_mean", Mean);
        writer.WriteString("image_processor_type", Naflex ? "Siglip2ImageProcessor" : "SiglipImageProcessor");
        WriteChannels(writer, "image_std", StandardDeviation);
        if (Naflex)
        {
            writer.WriteNumber("max_num_patches", MaximumPatches);
            writer.WriteNumber("patch_size", PatchSize);
        }
        writer.WriteNumber("resample", (int)Resample);
        writer.WriteNumber("rescale_factor", RescaleFactor);
        if (!Naflex)
        {
            writer.WriteStartObject("size");
            writer.WriteNumber("height", Height);
            writer.WriteNumber("width", Width);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void WriteChannels(Utf8JsonWriter writer, string name, IReadOnlyList<float> values)
    {
        writer.WriteStartArray(name);
        foreach (float value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }

    private static bool ReadNaflex(JsonElement json, string source)
    {
        if (Find(json, "image_processor_type") is not { } kind) return Find(json, "max_num_patches") is not null;
        string? name = kind.ValueKind == JsonValueKind.String ? kind.GetString() : null;
        return name switch
        {
            "SiglipImageProcessor" or "SiglipImageProcessorFast" => false,
            "Siglip2ImageProcessor" or "Siglip2ImageProcessorFast" => true,
            _ => throw new InvalidDataException($"{source}image_processor_type is {kind.GetRawText()}; SiglipImageProcessor and Siglip2ImageProcessor are supported."),
        };
    }

    private static (int Height, int Width) ReadSize(JsonElement json, string source)
    {
        if (Find(json, "size") is not { } size) throw new InvalidDataException($"{source}'size' is missing; {{\"height\": 384, \"width\": 384}} is an example.");
        if (size.ValueKind == JsonValueKind.Number)
        {
            int side = ReadCount(size, "size", source);
            return (side, side);
        }
        if (Find(size, "height") is not { } height || Find(size, "width") is not { } width)
            throw new InvalidDataException($"{source}'size' is {size.GetRawText()}; it needs both 'height' and 'width'.");
        return (ReadCount(height, "size.height", source), ReadCount(width, "size.width", source));
    }

    private static float[] ReadChannels(JsonElement json, string name, string source, bool positive)
    {
        if (Find(json, name) is not { } value) return [0.5f, 0.5f, 0.5f];
        double[] numbers = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(n => ReadNumber(n, name, source))] : [ReadNumber(value, name, source)];
        if (numbers.Length == 1) numbers = [numbers[0], numbers[0], numbers[0]];
        if (numbers.Length != 3) throw new InvalidDataException($"{source}'{name}' has {numbers.Length} values; 3 are needed, one a channel.");
        if (positive && numbers.Any(n => n <= 0)) throw new InvalidDataException($"{source}'{name}' is {value.GetRawText()}; each value must be above 0.");
        return [.. numbers.Select(n => (float)n)];
    }

    private static ResampleFilter ReadFilter(JsonElement json, ResampleFilter otherwise, string source)
    {
        if (Find(json, "resample") is not { } value) return otherwise;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && Enum.IsDefined((ResampleFilter)number)
            ? (ResampleFilter)number
            : throw new InvalidDataException($"{source}'resample' is {value.GetRawText()}; 0 (nearest) to 5 (Hamming) are known, 3 is bicubic.");
    }

    private static ImageAspectRatio ReadAspectRatio(JsonElement json, string source)
    {
        if (Find(json, "image_aspect_ratio") is not { } value) return ImageAspectRatio.Square;
        return (value.ValueKind == JsonValueKind.String ? value.GetString() : null) switch
        {
            "square" => ImageAspectRatio.Square,
            "pad" => ImageAspectRatio.Pad,
            _ => throw new InvalidDataException($"{source}'image_aspect_ratio' is {value.GetRawText()}; \"square\" and \"pad\" are supported."),
        };
    }

    private static bool ReadFlag(JsonElement json, string name, string source) => Find(json, name) is not { } value || value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new InvalidDataException($"{source}'{name}' is {value.GetRawText()}; true or false is needed."),
    };

    private static double ReadNumber(JsonElement value, string name, string source) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number)
            ? number
            : throw new InvalidDataException($"{source}'{name}' is {value.GetRawText()}; a number is needed.");

    private static int ReadCount(JsonElement value, string name, string source) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number is >= 1 and <= 16384
            ? number
            : throw new InvalidDataException($"{source}'{name}' is {value.GetRawText()}; a whole number from 1 to 16384 is needed.");

    private static JsonElement? Find(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
