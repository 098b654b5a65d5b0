namespace FineTune;

/// <summary>A prompt with its pictures.</summary>
internal sealed class Asked
{
    public string Prompt { get; set; } = "";

    /// <summary>Paths, in the order of their marks.</summary>
    public string[] Image { get; set; } = [];
}
