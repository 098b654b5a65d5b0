namespace Microsoft.ML.MetaMorph;

/// <summary>How tables of pictures and captions are read.</summary>
public sealed class TableFileOptions
{
    /// <summary>The folder in which paths of pictures begin, and out of which none may lead; null for the folder of each file.</summary>
    public string? ImageFolder { get; set; }

    /// <summary>What stands between fields: an ASCII character that is no quote and no line break. Null: a tab in files whose names end in <c>.tsv</c>, else a comma.</summary>
    public char? Separator { get; set; }

    /// <summary>Whether the first row names the fields. If not, the first field is the picture and the second the caption.</summary>
    public bool HasHeader { get; set; } = true;

    /// <summary>The field of pictures in the header.</summary>
    public string ImageField { get; set; } = "image";

    /// <summary>The field of captions in the header.</summary>
    public string TextField { get; set; } = "text";

    /// <summary>The longest row, in bytes: 1 to 1,073,741,824 (1 GiB). A longer one cannot be used; it is passed over without being kept in memory.</summary>
    public int MaximumRowBytes { get; set; } = 1 << 20;

    /// <summary>What rows are made of pictures and captions.</summary>
    public CaptionOptions Captions { get; set; } = new();

    internal void Validate()
    {
        if (MaximumRowBytes is < 1 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(MaximumRowBytes), MaximumRowBytes, $"{nameof(MaximumRowBytes)} is {MaximumRowBytes}; 1 to {1 << 30} are possible.");
        if (Separator is { } separator && (separator is '"' or '\r' or '\n' || !char.IsAscii(separator)))
            throw new ArgumentException($"{nameof(Separator)} is U+{(int)separator:X4}; an ASCII character that is no quote and no line break is needed.", nameof(Separator));
        if (string.IsNullOrEmpty(ImageField) || string.IsNullOrEmpty(TextField) || ImageField == TextField)
            throw new ArgumentException($"{nameof(ImageField)} is '{ImageField}' and {nameof(TextField)} is '{TextField}'; two different names are needed.");
        Captions.Validate();
    }
}
