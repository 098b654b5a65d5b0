using System.CommandLine;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary><c>plan</c>: what a training would be and take, before anything is trained.</summary>
internal static class PlanCommand
{
    public static Command Create()
    {
        var command = new Command("plan", "Says what a training would be: parameters, steps, memory, disk. Ends with code 2 where it cannot fit");
        var options = new RunOptions(command, needsEnd: false);
        command.SetAction(parse => Run(options.Output(parse), options.Read(parse).Decide()));
        return command;
    }

    private static int Run(OutputFolder output, RunSettings settings)
    {
        if (settings.TrainsEncoder)
        {
            Console.WriteLine(FormattableString.Invariant($"First an encoder of its own learns from {settings.Sizes!.Pictures:N0} pictures of {settings.Sizes.ImageSize}×{settings.Sizes.ImageSize} pixels: {settings.Sizes.EncoderLayers} layers of {settings.Sizes.EncoderWidth}."));
        }

        TrainingPlan plan = new LanguageModelPhase(settings.CreateContext(), output, settings).Plan(new TrainingRows(settings));
        Console.WriteLine(plan.ToString());
        if (FitCheck.Of(plan, output).Problem is not { } problem) return 0;
        Console.Error.WriteLine(problem);
        return FineTuneCommands.DoesNotFit;
    }
}
