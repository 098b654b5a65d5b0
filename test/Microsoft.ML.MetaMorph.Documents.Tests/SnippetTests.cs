namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>Code in documents is code that is compiled (samples/Documents) and run (<see cref="SampleTests"/>).</summary>
[TestClass]
public sealed class SnippetTests
{
    [TestMethod]
    public void EveryCodeBlockIsARegionOfACompiledSample()
    {
        var regions = SampleRegion.All.ToDictionary(region => region.Text);
        var problems = new List<string>();
        foreach (MarkdownDocument document in Repository.Documents)
        {
            foreach (FencedBlock block in document.Blocks.Where(block => block.Language is "csharp" or "cs" or "c#"))
            {
                string text = SampleRegion.Normalize(block.Lines);
                if (!regions.ContainsKey(text)) problems.Add($"{document.Name}, line {block.Line}: {Nearest(text)}");
            }
        }

        Assert.IsEmpty(problems, string.Join("\n", problems));
    }

    [TestMethod]
    public void EveryRegionIsShownSomewhere()
    {
        HashSet<string> shown = [.. Repository.Documents.SelectMany(document => document.Blocks).Select(block => SampleRegion.Normalize(block.Lines))];
        string[] unused = [.. SampleRegion.All.Where(region => !shown.Contains(region.Text)).Select(region => $"{region.File}: {region.Name}")];
        Assert.IsEmpty(unused, string.Join("\n", unused));
    }

    [TestMethod]
    public void BlocksSayTheirLanguage()
    {
        string[] bare = [.. Repository.Documents.SelectMany(document => document.Blocks.Where(block => block.Language.Length == 0).Select(block => $"{document.Name}, line {block.Line}"))];
        Assert.IsEmpty(bare, string.Join("\n", bare));
    }

    // The region that shares most lines is the one that was meant; its first difference is what to look at.
    private static string Nearest(string text)
    {
        string[] lines = text.Split('\n');
        SampleRegion nearest = SampleRegion.All.MaxBy(region => region.Text.Split('\n').Intersect(lines).Count())!;
        string[] wanted = nearest.Text.Split('\n');
        int at = Enumerable.Range(0, Math.Max(lines.Length, wanted.Length)).First(i => i >= lines.Length || i >= wanted.Length || lines[i] != wanted[i]);
        return $"the block is no region of samples/Documents. Nearest: {nearest.Name} ({nearest.File}), which differs at line {at + 1}:\n  document: {lines.ElementAtOrDefault(at)}\n  sample:   {wanted.ElementAtOrDefault(at)}";
    }
}
