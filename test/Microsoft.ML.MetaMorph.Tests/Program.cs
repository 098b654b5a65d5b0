using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What tests start as a process of its own: to be killed in the middle, or to have its memory measured.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        torch.set_num_threads(1);
        switch (arguments)
        {
            case ["tune", string checkpoints, string result, string start]:
                KilledTuningTests.Tune(checkpoints, result, start);
                return 0;
            case ["plan", string shape, string precision, string checkpointing, string budget]:
                TrainingPeak.Print(shape, Enum.Parse<Precision>(precision), bool.Parse(checkpointing), int.Parse(budget, System.Globalization.CultureInfo.InvariantCulture));
                return 0;
            case ["plan", string shape, string precision, string checkpointing, string budget, string frozen, string folder]:
                TrainingPeak.Print(shape, Enum.Parse<Precision>(precision), bool.Parse(checkpointing), int.Parse(budget, System.Globalization.CultureInfo.InvariantCulture), (Enum.Parse<FrozenWeights>(frozen), folder));
                return 0;
            case ["start", string shape, string folder]:
                TrainingPeak.SaveStart(shape, folder);
                return 0;
            default:
                Console.Error.WriteLine("These are tests: run them with 'dotnet test'.");
                return 2;
        }
    }
}
