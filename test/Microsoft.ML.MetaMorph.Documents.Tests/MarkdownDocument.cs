using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>A Markdown file: its fenced blocks, links and headings.</summary>
internal sealed partial class MarkdownDocument
{
    private MarkdownDocument(string path, IReadOnlyList<FencedBlock> blocks, IReadOnlyList<string> prose)
    {
        Path = path;
        Blocks = blocks;
        Prose = prose;
    }

    public string Path { get; }

    public string Name => Repository.Name(Path);

    public IReadOnlyList<FencedBlock> Blocks { get; }

    /// <summary>The lines outside fenced blocks.</summary>
    public IReadOnlyList<string> Prose { get; }

    /// <summary>The targets of links and images, as they are written.</summary>
    public IEnumerable<string> Links => Prose.SelectMany(line => Link().Matches(InlineCode().Replace(line, ""))).Select(match => match.Groups[1].Value);

    /// <summary>The anchors that headings make.</summary>
    public IEnumerable<string> Anchors => Prose.Where(line => line.StartsWith('#')).Select(line => Anchor(line.TrimStart('#').Trim()));

    public static MarkdownDocument Read(string path)
    {
        var blocks = new List<FencedBlock>();
        var prose = new List<string>();
        List<string>? block = null;
        string language = "";
        int begin = 0, number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                if (block is null) (block, language, begin) = ([], line.Trim()[3..].Trim(), number);
                else
                {
                    blocks.Add(new FencedBlock(language, begin, block));
                    block = null;
                }
            }
            else (block ?? prose).Add(line);
        }

        if (block is not null) throw new AssertFailedException($"{path}, line {begin}: the block is not closed.");
        return new MarkdownDocument(path, blocks, prose);
    }

    // As the usual renderers make them: lower case, blanks to hyphens, other punctuation left out.
    private static string Anchor(string heading) => string.Concat(heading.ToLowerInvariant().Select(c => c == ' ' ? "-" : char.IsLetterOrDigit(c) || c is '-' or '_' ? $"{c}" : ""));

    [GeneratedRegex(@"\]\(([^)\s]+)(?:\s+""[^""]*"")?\)", RegexOptions.CultureInvariant)]
    private static partial Regex Link();

    [GeneratedRegex("`[^`]*`", RegexOptions.CultureInvariant)]
    private static partial Regex InlineCode();
}

/// <summary>A block between fences.</summary>
/// <param name="Language">The word behind the opening fence.</param>
/// <param name="Line">The number of the opening fence's line.</param>
/// <param name="Lines">What stands between the fences.</param>
internal sealed record FencedBlock(string Language, int Line, IReadOnlyList<string> Lines);
