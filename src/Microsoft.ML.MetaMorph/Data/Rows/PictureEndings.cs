namespace Microsoft.ML.MetaMorph;

/// <summary>By what names of files are known as pictures that can be decoded.</summary>
internal static class PictureEndings
{
    private static readonly HashSet<string> Known = new([".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"], StringComparer.OrdinalIgnoreCase);

    public static bool Has(string name) => Known.Contains(Path.GetExtension(name));
}
