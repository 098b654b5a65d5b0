using System.Diagnostics;

namespace Package.Tests;

/// <summary>Runs the <c>dotnet</c> command as a person would, in a folder of its own, with a package cache of its own.</summary>
internal sealed class DotNet(string folder, string packages)
{
    /// <summary>Runs a command and asserts that it succeeds.</summary>
    /// <returns>What it printed.</returns>
    public string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["NUGET_PACKAGES"] = packages;
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        // A test host sets variables that would redirect the build of another project.
        foreach (string variable in new[] { "MSBuildSDKsPath", "MSBuildExtensionsPath", "MSBUILD_EXE_PATH" }) start.Environment.Remove(variable);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, $"dotnet {string.Join(' ', arguments)} in {folder} failed:\n{output}\n{errors.Result}");
        return output;
    }
}
