namespace Microsoft.ML.MetaMorph;

/// <summary>How WebDataset shards are read.</summary>
public sealed class ShardOptions
{
    /// <summary>What holds the caption in a <c>.json</c> member, where there is no <c>.txt</c>.</summary>
    public string TextField { get; set; } = "caption";

    /// <summary>The longest text or JSON member, in bytes: 1 to 1,073,741,824 (1 GiB).</summary>
    public int MaximumRowBytes { get; set; } = 1 << 20;

    /// <summary>The largest picture, in bytes: 1 to 2,147,483,591.</summary>
    public int MaximumImageBytes { get; set; } = 256 << 20;

    /// <summary>What rows are made of pictures and captions.</summary>
    public CaptionOptions Captions { get; set; } = new();

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(TextField);
        if (MaximumRowBytes is < 1 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(MaximumRowBytes), MaximumRowBytes, $"{nameof(MaximumRowBytes)} is {MaximumRowBytes}; 1 to {1 << 30} are possible.");
        if (MaximumImageBytes < 1 || MaximumImageBytes > Array.MaxLength) throw new ArgumentOutOfRangeException(nameof(MaximumImageBytes), MaximumImageBytes, $"{nameof(MaximumImageBytes)} is {MaximumImageBytes}; 1 to {Array.MaxLength} are possible.");
        Captions.Validate();
    }
}
