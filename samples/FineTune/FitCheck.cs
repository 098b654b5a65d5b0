using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>Whether a planned training fits: into memory at its peak, and its checkpoints onto the disk.</summary>
/// <param name="Problem">What does not fit, and what to do; null where all does.</param>
internal sealed record FitCheck(string? Problem)
{
    public static FitCheck Of(TrainingPlan plan, OutputFolder output)
    {
        if (plan.PeakMemory > plan.AvailableMemory)
            return new FitCheck(FormattableString.Invariant($"The training cannot fit: it takes some {plan.PeakMemory / 1e6:N0} MB of memory at its peak, and {plan.AvailableMemory / 1e6:N0} MB are available. Take a smaller model, a smaller --batch-size, or --lora."));
        long free = new DriveInfo(Existing(output.Path)).AvailableFreeSpace;
        return new FitCheck(plan.CheckpointDisk > free ? FormattableString.Invariant($"The training cannot fit: checkpoints take {plan.CheckpointDisk / 1e6:N0} MB on the disk of '{output.Path}', and {free / 1e6:N0} MB are free. Free space, or give another --out.") : null);
    }

    /// <exception cref="InsufficientMemoryException">Something does not fit.</exception>
    public void Require()
    {
        if (Problem is not null) throw new InsufficientMemoryException(Problem);
    }

    /// <summary>The nearest folder that is there: the output need not be made for a plan.</summary>
    private static string Existing(string folder)
    {
        while (!Directory.Exists(folder)) folder = Path.GetDirectoryName(folder) ?? Path.GetPathRoot(folder)!;
        return folder;
    }
}
