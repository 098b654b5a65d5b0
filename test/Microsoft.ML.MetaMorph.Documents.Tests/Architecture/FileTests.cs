namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>One concept a file, and no long files.</summary>
[TestClass]
public sealed class FileTests
{
    private const int LongestFile = 400;

    /// <summary>A type beside the one that a file is named after is a small companion of it.</summary>
    private const int LongestCompanion = 60;

    private static readonly string[] VagueEndings = ["Helper", "Helpers", "Util", "Utils", "Manager"];

    [TestMethod]
    public void NoFileIsLong()
    {
        string[] folders = ["src", "test", "samples", "benchmarks"];
        string[] longFiles = [.. folders.SelectMany(Repository.Sources).Select(path => (Name: Repository.Name(path), Lines: File.ReadLines(path).Count())).Where(file => file.Lines > LongestFile).Select(file => $"{file.Name}: {file.Lines} lines")];
        Assert.IsEmpty(longFiles, string.Join("\n", longFiles));
    }

    [TestMethod]
    public void AFileHoldsOneTypeAndSmallCompanions()
    {
        var problems = new List<string>();
        foreach (SourceFile file in SourceFile.All)
        {
            string stem = Path.GetFileName(file.Name).Split('.')[0];
            foreach ((string name, int lines) in file.TopLevelTypes)
                if (name != stem && lines > LongestCompanion) problems.Add($"{file.Name}: {name} has {lines} lines; it deserves a file of its own");
        }

        Assert.IsEmpty(problems, string.Join("\n", problems));
    }

    [TestMethod]
    public void NamesSayWhatTheyMean()
    {
        string[] vague = [.. SourceFile.All.SelectMany(file => file.TopLevelTypes.Select(type => type.Name)).Where(name => VagueEndings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))];
        Assert.IsEmpty(vague, string.Join("\n", vague));
    }
}
