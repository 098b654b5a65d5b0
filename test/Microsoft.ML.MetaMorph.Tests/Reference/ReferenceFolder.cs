using System.Reflection;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Where the cases lie that the walk checks, and which there are.</summary>
internal static class ReferenceFolder
{
    public const string Variable = "METAMORPH_REFERENCE";

    /// <summary>Where the user called from: the test host itself runs in the folder of the tests' assembly.</summary>
    private const string WorkingFolder = "PWD";

    public static string Repository { get; } = typeof(ReferenceFolder).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    /// <summary><c>test/reference</c>, whatever the walk checks.</summary>
    public static string Own => Path.Combine(Repository, "test", "reference");

    /// <summary>The folder of cases that the walk checks: <c>METAMORPH_REFERENCE</c> or <c>test/reference</c>.</summary>
    public static string Root => Resolve(Environment.GetEnvironmentVariable(Variable), Environment.GetEnvironmentVariable(WorkingFolder));

    /// <summary>The full path of the folder that the variable names; a relative one begins at the shell's folder, or at the repository where the shell names none.</summary>
    public static string Resolve(string? variable, string? workingFolder)
    {
        if (string.IsNullOrEmpty(variable)) return Own;
        string from = Path.IsPathFullyQualified(workingFolder ?? "") ? workingFolder! : Repository;
        return Path.TrimEndingDirectorySeparator(Path.GetFullPath(variable, from));
    }

    /// <summary>The cases in a folder at any depth, by their paths below it ("." for the folder itself), without reading them: a case that cannot be read fails alone.</summary>
    public static string[] Cases(string root) => !Directory.Exists(root) ? []
        : [.. Directory.GetFiles(root, ReferenceCase.CaseFile, SearchOption.AllDirectories).Select(file => Path.GetRelativePath(root, Path.GetDirectoryName(file)!).Replace('\\', '/')).Order(StringComparer.Ordinal)];

    /// <summary>Why there is no case to check in a folder, and what to do.</summary>
    public static string Absence(string root, string? variable)
    {
        string found = !Directory.Exists(root) ? "there is no such folder" : $"no folder in it, at any depth, holds a {ReferenceCase.CaseFile}";
        string from = variable is { Length: > 0 } ? $"the environment variable {Variable}, '{variable}'" : "the repository";
        string next = variable is { Length: > 0 } && !Path.IsPathFullyQualified(variable)
            ? $" A relative path begins at the folder of the shell ({WorkingFolder}), or at the repository, {Repository}, where that is not set." : "";
        return $"No reference case in {root} (from {from}): {found}.{next}";
    }
}
