namespace Microsoft.ML.MetaMorph;

/// <summary>How files of questions about a region of a picture are read.</summary>
public sealed class BoxFileOptions
{
    /// <summary>The folder in which paths of pictures begin, and out of which none may lead; null for the folder of each file.</summary>
    public string? ImageFolder { get; set; }

    /// <summary>In what boxes are measured.</summary>
    public BoxUnit Unit { get; set; } = BoxUnit.Pixels;

    /// <summary>The longest row, in bytes: 1 to 1,073,741,824 (1 GiB).</summary>
    public int MaximumRowBytes { get; set; } = 16 << 20;

    internal void Validate()
    {
        if (!Enum.IsDefined(Unit)) throw new ArgumentOutOfRangeException(nameof(Unit), Unit, $"{nameof(Unit)} is {(int)Unit}; {string.Join(", ", Enum.GetNames<BoxUnit>())} are possible.");
        if (MaximumRowBytes is < 1 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(MaximumRowBytes), MaximumRowBytes, $"{nameof(MaximumRowBytes)} is {MaximumRowBytes}; 1 to {1 << 30} are possible.");
    }
}
