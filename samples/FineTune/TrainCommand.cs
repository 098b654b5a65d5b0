using System.CommandLine;

namespace FineTune;

/// <summary><c>train</c>: a run from its beginning.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var command = new Command("train", "Trains: a tokenizer, an encoder and a language model of its own, or on from those that are given");
        var options = new RunOptions(command, needsEnd: true);
        command.SetAction(parse => Run(options.Output(parse), options.Read(parse)));
        return command;
    }

    private static int Run(OutputFolder output, RunSettings settings)
    {
        // A run of which not even the sizes are decided has nothing that could be lost.
        if (output.HoldsRun && RunFile.Read(output) is { Settings.Sizes: not null } earlier)
            throw new InvalidDataException($"'{output.Path}' holds a run already, which is {(earlier.Finished ? "finished" : "not finished; 'resume' goes on with it")}. Give another --out to train anew.");
        // At once: a run that is killed from here on can be gone on with.
        var run = new RunFile { Settings = settings };
        run.Write(output);
        return new FineTuneRun(output, run).Execute();
    }
}
