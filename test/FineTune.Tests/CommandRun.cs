using System.Diagnostics;

namespace FineTune.Tests;

/// <summary>A run of the program: in this process, or as one of its own that can be killed.</summary>
/// <param name="Code">The exit code.</param>
/// <param name="Output">What it printed.</param>
/// <param name="Errors">What it printed on the error stream.</param>
internal sealed record CommandRun(int Code, string Output, string Errors)
{
    public static CommandRun InProcess(params string[] arguments)
    {
        (TextWriter output, TextWriter errors) = (Console.Out, Console.Error);
        // Not disposed: Spectre.Console keeps the first writer that it saw.
        StringWriter caughtOutput = new(), caughtErrors = new();
        Console.SetOut(caughtOutput);
        Console.SetError(caughtErrors);
        try
        {
            int code = FineTuneCommands.Invoke(arguments);
            return new CommandRun(code, caughtOutput.ToString(), caughtErrors.ToString());
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(errors);
        }
    }

    /// <summary>A process of its own, killed as soon as it prints a line.</summary>
    /// <param name="kill">Told every line: whether it ends here; null: never.</param>
    /// <param name="arguments">Of the program.</param>
    public static CommandRun OwnProcess(Func<string, bool>? kill, params string[] arguments) => OwnProcess(kill, process => process.Kill(), arguments);

    /// <summary>The same, ended by something else.</summary>
    public static CommandRun OwnProcess(Func<string, bool>? isEnd, Action<Process> end, string[] arguments)
    {
        string tests = typeof(CommandRun).Assembly.Location, program = typeof(FineTuneCommands).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", ["exec", "--runtimeconfig", Path.ChangeExtension(tests, ".runtimeconfig.json"), "--depsfile", Path.ChangeExtension(tests, ".deps.json"), program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        var lines = new List<string>();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
            if (isEnd?.Invoke(line) != true) continue;
            end(process);
            isEnd = null;
        }

        process.WaitForExit();
        return new CommandRun(process.ExitCode, string.Join('\n', lines), errors.Result);
    }
}
