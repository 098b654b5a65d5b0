namespace Microsoft.ML.MetaMorph;

/// <summary>How conversation files are read.</summary>
public sealed class ConversationFileOptions
{
    /// <summary>The folder in which paths of pictures begin, and out of which none may lead; null for the folder of each file.</summary>
    public string? ImageFolder { get; set; }

    /// <summary>The longest row, in bytes: 1 to 1,073,741,824 (1 GiB). A longer one cannot be used; it is passed over without being kept in memory.</summary>
    public int MaximumRowBytes { get; set; } = 16 << 20;

    internal void Validate()
    {
        if (MaximumRowBytes is < 1 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(MaximumRowBytes), MaximumRowBytes, $"{nameof(MaximumRowBytes)} is {MaximumRowBytes}; 1 to {1 << 30} are possible.");
    }
}
