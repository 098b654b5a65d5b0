namespace Microsoft.ML.MetaMorph;

/// <summary>What the options of every trainer that writes checkpoints say alike.</summary>
internal interface ICheckpointOptions
{
    /// <summary>Where checkpoints lie; null for none.</summary>
    string? CheckpointFolder { get; }

    /// <summary>Steps between two of them.</summary>
    int CheckpointInterval { get; }

    /// <summary>How many are kept.</summary>
    int CheckpointCount { get; }
}

/// <summary>Where checkpoints lie, how often they are written and how many are kept.</summary>
internal sealed record CheckpointSettings(string Folder, int Interval, int Count)
{
    /// <summary>Those of a trainer's options; null where no checkpoints are wanted.</summary>
    public static CheckpointSettings? Of(ICheckpointOptions options)
        => options.CheckpointFolder is { } folder ? new CheckpointSettings(Path.GetFullPath(folder), options.CheckpointInterval, options.CheckpointCount) : null;

    /// <exception cref="ArgumentException">An option is out of range; it is named with its value and range.</exception>
    public static void Validate(ICheckpointOptions options)
    {
        if (options.CheckpointFolder is { } folder) ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(options.CheckpointFolder));
        Require(nameof(options.CheckpointInterval), options.CheckpointInterval);
        Require(nameof(options.CheckpointCount), options.CheckpointCount);
    }

    private static void Require(string name, int value)
    {
        if (value < 1) throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; at least 1 is needed.");
    }
}
