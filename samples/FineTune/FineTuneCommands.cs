using System.CommandLine;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>The command line: what can be asked for, and what its ends are.</summary>
internal static class FineTuneCommands
{
    /// <summary>Something went wrong, or rows cannot be used.</summary>
    public const int Failed = 1;

    /// <summary>A plan that cannot fit.</summary>
    public const int DoesNotFit = 2;

    /// <summary>Arguments that cannot be (EX_USAGE of sysexits.h).</summary>
    public const int WrongArguments = 64;

    /// <summary>Ended by Ctrl-C, or by a request to terminate.</summary>
    public const int Interrupted = 130;

    /// <summary>Does what the arguments say.</summary>
    /// <returns>The exit code.</returns>
    public static int Invoke(string[] arguments)
    {
        ParseResult parse = Create().Parse(arguments);
        if (parse.Errors.Count > 0) return Fail(WrongArguments, $"{parse.Errors[0].Message} (--help shows what there is.)");
        try
        {
            return parse.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            return Fail(Failed, failure.Message);
        }
    }

    private static RootCommand Create() => new("Fine-tunes a model that reads and draws pictures on rows of your own")
    {
        ValidateCommand.Create(),
        PlanCommand.Create(),
        TrainCommand.Create(),
        ResumeCommand.Create(),
        MergeCommand.Create(),
        TryCommand.Create(),
        EvaluateCommand.Create(),
    };

    /// <summary>What data, files and machines do wrong; anything else is a mistake in the program and shows where it happened.</summary>
    private static bool IsExpected(Exception failure) => failure
        is InvalidDataException or IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException or InsufficientMemoryException or TrainingDivergedException;

    /// <summary>One line, whatever the message has.</summary>
    private static int Fail(int code, string message)
    {
        Console.Error.WriteLine(string.Join(' ', message.Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)));
        return code;
    }
}
