using System.CommandLine;

namespace FineTune;

/// <summary><c>resume</c>: a run that was stopped or killed goes on with what it was told when it began.</summary>
internal static class ResumeCommand
{
    public static Command Create()
    {
        Option<string> run = CommonOptions.Run();
        var command = new Command("resume", "Goes on with a run that was stopped or killed, with the data, steps and seed that it has recorded") { run };
        command.SetAction(parse => Run(new OutputFolder(parse.GetValue(run)!)));
        return command;
    }

    private static int Run(OutputFolder output)
    {
        RunFile run = RunFile.Read(output);
        if (!run.Finished) return new FineTuneRun(output, run).Execute();
        Console.WriteLine($"The run in {output.Path} is finished; its model is in {output.Model}.");
        return 0;
    }
}
