namespace FineTune.Tests;

/// <summary>Models of a few thousand parameters.</summary>
internal static class TinySizes
{
    public static string[] Arguments { get; } = ["--batch-size", "4", "--vocabulary", "280", "--image-size", "16", "--encoder-width", "16", "--encoder-layers", "1", "--hidden-size", "32", "--layers", "1"];
}
