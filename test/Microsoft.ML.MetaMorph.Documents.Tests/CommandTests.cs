using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>The commands that documents tell people to type.</summary>
[TestClass]
public sealed partial class CommandTests
{
    [TestMethod]
    public void TheReadmeNamesTheTestCommandOfTheGate()
    {
        string gate = File.ReadAllText(Path.Combine(Repository.Root, ".ci/run"));
        Match command = TestCommand().Match(gate);
        Assert.IsTrue(command.Success, ".ci/run has no function 'tests() { dotnet test … }' any more");
        string[] named = [.. Commands(Repository.Document("README.md")).Where(line => line.StartsWith("dotnet test", StringComparison.Ordinal))];
        CollectionAssert.AreEqual(new[] { command.Groups[1].Value.Trim() }, named);
    }

    [TestMethod]
    public void ProjectsAndOptionsOfCommandsExist()
    {
        var problems = new List<string>();
        foreach (MarkdownDocument document in Repository.Documents)
        {
            foreach (string command in Commands(document))
                problems.AddRange(Problems(command).Select(problem => $"{document.Name}: {command}: {problem}"));
        }

        Assert.IsEmpty(problems, string.Join("\n", problems));
    }

    [TestMethod]
    public void EnvironmentSwitchesAreDocumented()
    {
        string[] read = [.. new[] { "src", "test" }.SelectMany(Repository.Sources).SelectMany(path => Switch().Matches(File.ReadAllText(path))).Select(match => match.Groups[1].Value).Distinct()];
        Assert.IsNotEmpty(read);
        string documents = string.Join("\n", Repository.Documents.SelectMany(document => document.Prose));
        foreach (string name in read) StringAssert.Contains(documents, name, $"{name} is read by the code and told nowhere");
    }

    private static IEnumerable<string> Commands(MarkdownDocument document)
        => document.Blocks.Where(block => block.Language is "bash" or "sh" or "powershell").SelectMany(block => block.Lines)
            .Select(line => Assignments().Replace(line.Split(" # ")[0].Trim(), "")).Where(line => line.StartsWith("dotnet ", StringComparison.Ordinal));

    private static IEnumerable<string> Problems(string command)
    {
        string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int programArguments = Array.IndexOf(words, "--");
        string[] own = programArguments < 0 ? words : words[..programArguments];
        string? project = null;
        for (int i = 2; i < own.Length; i++)
        {
            string previous = own[i - 1], word = own[i];
            if (previous == "--project" || word.StartsWith("src/", StringComparison.Ordinal) || word.StartsWith("test/", StringComparison.Ordinal) || word.StartsWith("samples/", StringComparison.Ordinal) || word.StartsWith("benchmarks/", StringComparison.Ordinal))
            {
                project = word;
                if (Project(word) is null) yield return $"there is no project {word}";
            }
            else if (word.StartsWith("-p:", StringComparison.Ordinal))
            {
                string name = word[3..].Split('=')[0];
                if (!BuildFiles().Contains($"$({name})", StringComparison.Ordinal)) yield return $"no build file reads the property {name}";
            }
            else if (own[1] == "add" && previous == "package" && word != Repository.PackageId && !BuildFiles().Contains($"\"{word}\"", StringComparison.Ordinal))
            {
                yield return $"Directory.Packages.props has no package {word}";
            }
            else if (Filter().Match(word) is { Success: true } filter && !TestSources().Contains(filter.Groups[1].Value, StringComparison.Ordinal))
            {
                yield return $"no test is called {filter.Groups[1].Value}";
            }
        }

        if (programArguments < 0) yield break;
        if (project is null) yield return "options of a program, but no project";
        else
        {
            string sources = string.Concat(Repository.Sources(project).Select(File.ReadAllText));
            foreach (string word in words[(programArguments + 1)..].Where(word => word.StartsWith("--", StringComparison.Ordinal)))
                if (!sources.Contains($"\"{word}\"", StringComparison.Ordinal)) yield return $"{project} has no option {word}";
        }
    }

    private static string? Project(string folder)
    {
        string path = Path.Combine(Repository.Root, folder);
        return Directory.Exists(path) ? Directory.GetFiles(path, "*.csproj").FirstOrDefault() : null;
    }

    private static string BuildFiles()
        => string.Concat(new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" }.Select(name => File.ReadAllText(Path.Combine(Repository.Root, name))));

    private static string TestSources() => string.Concat(Repository.Sources("test").Select(path => Path.GetFileName(path) + File.ReadAllText(path)));

    [GeneratedRegex(@"^tests\(\) \{ (dotnet test[^;|&>]*?)\s*(?:2>&1)?\s*[|;}]", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex TestCommand();

    [GeneratedRegex(@"FullyQualifiedName~(\w+)", RegexOptions.CultureInvariant)]
    private static partial Regex Filter();

    [GeneratedRegex(@"""(METAMORPH_[A-Z_]+)""", RegexOptions.CultureInvariant)]
    private static partial Regex Switch();

    [GeneratedRegex(@"^(?:[A-Z_]+=\S+ )+", RegexOptions.CultureInvariant)]
    private static partial Regex Assignments();
}
