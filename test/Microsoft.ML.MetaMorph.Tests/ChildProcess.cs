using System.Diagnostics;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>This assembly as a process of its own (<see cref="Program"/>).</summary>
internal static class ChildProcess
{
    /// <summary>Runs to the end and asserts that it succeeds.</summary>
    /// <returns>What it printed.</returns>
    public static string[] Run(params string[] arguments) => Run(_ => false, arguments);

    /// <summary>Runs, and is killed like by a power cut as soon as a line is printed.</summary>
    /// <param name="kill">Told every line: whether it ends here.</param>
    /// <param name="arguments">Of <see cref="Program"/>.</param>
    /// <returns>What it printed.</returns>
    public static string[] Run(Func<string, bool> kill, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(ChildProcess).Assembly.Location, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        var lines = new List<string>();
        bool killed = false;
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
            if (killed || !kill(line)) continue;
            process.Kill();
            killed = true;
        }

        process.WaitForExit();
        if (!killed) Assert.AreEqual(0, process.ExitCode, $"{string.Join(' ', arguments)}: {errors.Result}");
        return [.. lines];
    }
}
