using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>A part of a compiled sample that a document may show: the lines between <c>// &lt;name&gt;</c> and <c>// &lt;/name&gt;</c>.</summary>
/// <param name="Name">The name between the angle brackets.</param>
/// <param name="File">The sample's path from the root.</param>
/// <param name="Text">The lines without their common indentation.</param>
internal sealed partial record SampleRegion(string Name, string File, string Text)
{
    public static IReadOnlyList<SampleRegion> All { get; } = [.. Repository.Sources("samples/Documents").SelectMany(Read)];

    /// <summary>Lines without blanks at their ends, common indentation, or empty lines around them.</summary>
    public static string Normalize(IEnumerable<string> lines)
    {
        string[] trimmed = [.. lines.Select(line => line.TrimEnd())];
        int indent = trimmed.Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', trimmed.Select(line => line.Length == 0 ? "" : line[indent..])).Trim('\n');
    }

    private static IEnumerable<SampleRegion> Read(string path)
    {
        string? name = null;
        var lines = new List<string>();
        foreach (string line in System.IO.File.ReadLines(path))
        {
            if (Opening().Match(line) is { Success: true } opening)
            {
                if (name is not null) throw new AssertFailedException($"{path}: the region {name} is not closed before {line.Trim()}.");
                name = opening.Groups[1].Value;
                lines.Clear();
            }
            else if (name is not null && line.Trim() == $"// </{name}>")
            {
                yield return new SampleRegion(name, Repository.Name(path), Normalize(lines));
                name = null;
            }
            else lines.Add(line);
        }

        if (name is not null) throw new AssertFailedException($"{path}: the region {name} is not closed.");
    }

    [GeneratedRegex(@"^\s*// <([a-z-]+)>\s*$", RegexOptions.CultureInvariant)]
    private static partial Regex Opening();
}
