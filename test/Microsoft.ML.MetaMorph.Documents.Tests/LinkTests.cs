namespace Microsoft.ML.MetaMorph.Documents.Tests;

[TestClass]
public sealed class LinkTests
{
    [TestMethod]
    public void RelativeLinksAndImagesExist()
    {
        var problems = new List<string>();
        foreach (MarkdownDocument document in Repository.Documents)
        {
            foreach (string link in document.Links.Where(link => !link.Contains("://", StringComparison.Ordinal) && !link.StartsWith("mailto:", StringComparison.Ordinal)))
            {
                if (Problem(document, link) is { } problem) problems.Add($"{document.Name}: {link}: {problem}");
            }
        }

        Assert.IsEmpty(problems, string.Join("\n", problems));
    }

    [TestMethod]
    public void TheIndexNamesEveryDocument()
    {
        MarkdownDocument index = Repository.Document("docs/README.md");
        HashSet<string> linked = [.. index.Links.Select(link => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(index.Path)!, link.Split('#')[0])))];
        string[] missing = [.. Repository.Documents.Where(document => document.Name.StartsWith("docs/", StringComparison.Ordinal) && document != index && !linked.Contains(document.Path)).Select(document => document.Name)];
        Assert.IsEmpty(missing, $"docs/README.md does not name {string.Join(", ", missing)}");
    }

    private static string? Problem(MarkdownDocument document, string link)
    {
        string[] parts = link.Split('#', 2);
        string target = parts[0].Length == 0 ? document.Path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(document.Path)!, Uri.UnescapeDataString(parts[0])));
        if (!File.Exists(target) && !Directory.Exists(target)) return "there is no such file";
        if (parts.Length < 2 || !target.EndsWith(".md", StringComparison.Ordinal)) return null;
        return MarkdownDocument.Read(target).Anchors.Contains(parts[1]) ? null : "there is no such heading";
    }
}
