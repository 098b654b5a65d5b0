namespace Microsoft.ML.MetaMorph;

/// <summary>How folders of frames become rows.</summary>
public sealed class FrameFolderOptions
{
    /// <summary>What the rows teach: each video gives one row, and these are taken in turn.</summary>
    public IReadOnlyList<FrameTask> Tasks { get; set; } = [FrameTask.Next, FrameTask.Missing, FrameTask.Previous, FrameTask.Reorder];

    /// <summary>The most frames of a row, evenly out of the video, its first and last among them: 3 to 64.</summary>
    public int MaximumFrames { get; set; } = 4;

    /// <summary>Decides which frame is missing, and wrong orders.</summary>
    public int Seed { get; set; }

    internal void Validate()
    {
        if (Tasks.Count == 0) throw new ArgumentException($"{nameof(Tasks)} is empty; give at least one.", nameof(Tasks));
        foreach (FrameTask task in Tasks)
        {
            if (!Enum.IsDefined(task)) throw new ArgumentOutOfRangeException(nameof(Tasks), task, $"{nameof(Tasks)} holds {(int)task}; {string.Join(", ", Enum.GetNames<FrameTask>())} are possible.");
        }

        if (MaximumFrames is < 3 or > 64) throw new ArgumentOutOfRangeException(nameof(MaximumFrames), MaximumFrames, $"{nameof(MaximumFrames)} is {MaximumFrames}; 3 to 64 are possible.");
    }
}
