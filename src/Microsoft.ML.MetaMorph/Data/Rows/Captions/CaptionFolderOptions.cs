namespace Microsoft.ML.MetaMorph;

/// <summary>How a folder of pictures with captions is read.</summary>
public sealed class CaptionFolderOptions
{
    /// <summary>What holds the caption in <c>metadata.jsonl</c>, beside <c>file_name</c>.</summary>
    public string TextField { get; set; } = "text";

    /// <summary>The longest row of <c>metadata.jsonl</c> and the longest caption file, in bytes: 1 to 1,073,741,824 (1 GiB).</summary>
    public int MaximumRowBytes { get; set; } = 1 << 20;

    /// <summary>What rows are made of pictures and captions.</summary>
    public CaptionOptions Captions { get; set; } = new();

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(TextField);
        if (MaximumRowBytes is < 1 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(MaximumRowBytes), MaximumRowBytes, $"{nameof(MaximumRowBytes)} is {MaximumRowBytes}; 1 to {1 << 30} are possible.");
        Captions.Validate();
    }
}
