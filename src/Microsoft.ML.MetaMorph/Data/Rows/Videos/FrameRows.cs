namespace Microsoft.ML.MetaMorph;

/// <summary>Makes a row of the frames of one video, in their order.</summary>
internal sealed class FrameRows
{
    private readonly FrameTask[] _tasks;
    private readonly int _maximumFrames, _seed;

    public FrameRows(FrameFolderOptions options)
    {
        _tasks = [.. options.Tasks];
        _maximumFrames = options.MaximumFrames;
        _seed = options.Seed;
    }

    /// <param name="all">All frames.</param>
    /// <param name="number">The video's number, which chooses the task and, with the seed, the draws.</param>
    /// <exception cref="InvalidDataException">There are fewer frames than the task needs.</exception>
    public InstructionRow Make(IReadOnlyList<RowImage> all, long number)
    {
        FrameTask task = _tasks[number % _tasks.Length];
        int needed = task == FrameTask.Missing ? 3 : 2;
        if (all.Count < needed) throw new InvalidDataException($"the video has {all.Count} frames; the task {task} needs {needed}. Take it out, or leave the task out of {nameof(FrameFolderOptions)}.{nameof(FrameFolderOptions.Tasks)}.");
        RowImage[] frames = Spread(all);
        // A generator of its own for each video: the row is the same wherever the video stands.
        var random = new Random(HashOf(_seed, number));
        return task switch
        {
            FrameTask.Next => Row(task, $"{Marks(frames.Length - 1)}\nDraw the next frame of this video.", frames[..^1], [frames[^1]]),
            FrameTask.Previous => Row(task, $"{Marks(frames.Length - 1)}\nDraw the frame in front of these frames of a video.", frames[1..], [frames[0]]),
            FrameTask.Missing => Missing(frames, random.Next(1, frames.Length - 1)),
            _ => Row(task, $"{Marks(frames.Length)}\nDraw these frames of a video in their right order.", Disordered(frames, random), frames),
        };
    }

    private static InstructionRow Missing(RowImage[] frames, int missing)
        => Row(FrameTask.Missing, FormattableString.Invariant($"{Marks(frames.Length - 1)}\nFrame {missing + 1} of {frames.Length} of this video is missing. Draw it."), [.. frames[..missing], .. frames[(missing + 1)..]], [frames[missing]]);

    private static InstructionRow Row(FrameTask task, string prompt, RowImage[] shown, RowImage[] drawn)
        => new([prompt], [Marks(drawn.Length)], [.. shown, .. drawn]) { Kind = $"Video{task}" };

    private static string Marks(int count) => string.Concat(Enumerable.Repeat(ImageMarks.Image, count));

    private RowImage[] Spread(IReadOnlyList<RowImage> all)
    {
        int count = Math.Min(all.Count, _maximumFrames);
        return [.. Enumerable.Range(0, count).Select(i => all[(int)((long)i * (all.Count - 1) / (count - 1))])];
    }

    /// <summary>Another order than the right one.</summary>
    private static RowImage[] Disordered(RowImage[] frames, Random random)
    {
        RowImage[] order = [.. frames];
        random.Shuffle(order);
        if (order.AsEnumerable().SequenceEqual(frames)) (order[0], order[^1]) = (order[^1], order[0]);
        return order;
    }

    // HashCode.Combine differs from process to process.
    private static int HashOf(int seed, long number)
    {
        ulong mixed = ((ulong)(uint)seed << 32) ^ (ulong)number;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return (int)(mixed ^ (mixed >> 31));
    }
}
