using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>A source file of the product, read without comments and texts.</summary>
internal sealed partial class SourceFile
{
    private const string Project = "src/Microsoft.ML.MetaMorph/";

    // Before a name and a parenthesis these make a call of it, and no declaration.
    private static readonly string[] Keywords = ["new", "return", "await", "throw", "is", "as", "not", "or", "and", "case", "in", "typeof", "else", "base", "this"];

    /// <param name="name">The path from the project's folder.</param>
    /// <param name="source">The text.</param>
    public SourceFile(string name, string source)
    {
        Name = name;
        Code = CommentsAndTexts().Replace(source, match => (match.Value[0] == '/' ? "" : "\"\"") + new string('\n', match.Value.Count(c => c == '\n')));
        Words = [.. Word().Matches(Code).Select(match => match.Value)];
        TopLevelTypes = [.. Types()];
        OwnNames = [.. Methods().Matches(Code).Where(match => !Keywords.Contains(match.Groups[1].Value)).Select(match => match.Groups[2].Value), .. AnyType().Matches(Code).Select(match => match.Groups[1].Value)];
    }

    public static IReadOnlyList<SourceFile> All { get; } = [.. Repository.Sources("src/Microsoft.ML.MetaMorph").Select(path => new SourceFile(Repository.Name(path)[Project.Length..], File.ReadAllText(path)))];

    /// <summary>The path from the project's folder.</summary>
    public string Name { get; }

    /// <summary>The first folder of the path.</summary>
    public string Room => Name.Split('/')[0];

    public string Code { get; }

    /// <summary>Every identifier of the code.</summary>
    public HashSet<string> Words { get; }

    /// <summary>Types that are declared in the namespace, with the number of their lines.</summary>
    public IReadOnlyList<(string Name, int Lines)> TopLevelTypes { get; }

    /// <summary>Nested types, methods and local functions of the file: such a name means the file's own.</summary>
    public HashSet<string> OwnNames { get; }

    private IEnumerable<(string Name, int Lines)> Types()
    {
        string[] lines = Code.Split('\n');
        string? open = null;
        int begin = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            Match declaration = TypeDeclaration().Match(lines[i]);
            if (open is not null && (declaration.Success || lines[i].TrimEnd() == "}"))
            {
                yield return (open, i - begin + 1);
                open = null;
            }

            if (!declaration.Success) continue;
            (open, begin) = (declaration.Groups[1].Value, i);
            if (!lines[i].TrimEnd().EndsWith(';')) continue;
            yield return (open, 1);
            open = null;
        }

        if (open is not null) yield return (open, lines.Length - begin);
    }

    // In one pass: a "//" inside a text begins no comment, and a quotation mark inside a comment no text.
    [GeneratedRegex(@"//[^\n]*|/\*[\s\S]*?\*/|[$@]*""""""[\s\S]*?""""""|@\$?""(?:""""|[^""])*""|\$?""(?:\\.|[^""\\\n])*""|'(?:\\.|[^'\\\n])+'", RegexOptions.CultureInvariant)]
    private static partial Regex CommentsAndTexts();

    [GeneratedRegex(@"(?<![\w.])[A-Za-z_]\w*", RegexOptions.CultureInvariant)]
    private static partial Regex Word();

    [GeneratedRegex(@"^(?:(?:public|internal|file|sealed|abstract|static|partial|readonly|ref|unsafe)\s+)+(?:class|record struct|record|struct|interface|enum|delegate\s+[\w<>\[\]?]+)\s+(\w+)", RegexOptions.CultureInvariant)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"([\w>\]?)]+)\s+(\w+)(?:<\w+>)?\s*(?=\()", RegexOptions.CultureInvariant)]
    private static partial Regex Methods();

    [GeneratedRegex(@"\b(?:class|struct|record|enum|interface)\s+(\w+)", RegexOptions.CultureInvariant)]
    private static partial Regex AnyType();
}
