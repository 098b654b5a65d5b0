using System.Reflection;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>Where the repository lies, and its documents.</summary>
internal static class Repository
{
    public static string Root { get; } = Metadata("RepositoryRoot");

    public static string PackageId { get; } = Metadata("PackageId");

    /// <summary>Every document that a person reads: those beside the README and those under docs/.</summary>
    public static IReadOnlyList<MarkdownDocument> Documents { get; } =
        [.. Directory.GetFiles(Root, "*.md").Concat(Directory.GetFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories)).Order().Select(MarkdownDocument.Read)];

    /// <summary>A document by its path from the root.</summary>
    public static MarkdownDocument Document(string name)
        => Documents.SingleOrDefault(document => document.Name == name) ?? throw new AssertFailedException($"There is no {name}.");

    /// <summary>A path from the root, with slashes.</summary>
    public static string Name(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    /// <summary>The source files below a folder, without what a build writes.</summary>
    public static IEnumerable<string> Sources(string folder)
        => Directory.GetFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !Name(path).Split('/').Any(part => part is "bin" or "obj")).Order();

    private static string Metadata(string key)
        => typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == key).Value!;
}
