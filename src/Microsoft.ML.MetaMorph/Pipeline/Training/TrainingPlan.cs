using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a training will be, before it begins: what learns, how long it is, and what it takes.</summary>
public sealed class TrainingPlan
{
    private readonly TrainingFootprint _footprint;
    private readonly long _sampled;
    private Action? _refuse;

    private TrainingPlan(TrainingFootprint footprint, ConversationLengths lengths, VisualPredictiveTrainingOptions options, ICheckpointOptions checkpoints, long rows)
    {
        (_footprint, _sampled) = (footprint, lengths.Rows);
        TrainedParameters = footprint.Trained;
        FrozenParameters = footprint.Parts.Values.Sum(part => part.Frozen);
        Parts = footprint.Parts.ToDictionary(part => part.Key, part => part.Value.Trained + part.Value.Frozen);
        Memory = footprint.Memory.ToDictionary(part => part.Name, part => part.Bytes);
        PeakMemory = footprint.PeakBytes;
        (Rows, MeanPositions, LongestRow) = (rows, lengths.Mean, lengths.Longest);
        Steps = rows == 0 ? 0 : new TrainingPace(options, rows, TimeProvider.System).TotalSteps;
        Positions = Learned(options, rows) is { } learned ? (long)(learned * lengths.Mean) : null;
        CheckpointBytes = footprint.CheckpointBytes;
        CheckpointDisk = checkpoints.CheckpointFolder is null ? 0 : footprint.CheckpointBytes * (checkpoints.CheckpointCount + 1L);
    }

    /// <param name="start">What will be trained.</param>
    /// <param name="options">How.</param>
    /// <param name="checkpoints">What is written.</param>
    /// <param name="lengths">Of the first rows.</param>
    /// <param name="rows">The number of all.</param>
    /// <param name="device">Where the training happens; only the machine's own memory is known here.</param>
    internal static TrainingPlan Of(TrainingStart start, VisualPredictiveTrainingOptions options, ICheckpointOptions checkpoints, ConversationLengths lengths, long rows, Device device)
    {
        MetaMorphConfig config = start.Config;
        PrecisionChoice precision;
        using (var single = new MetaMorphModel(config with { Language = config.Language with { LayerCount = 1 } }, new MetaParameters())) precision = PrecisionProbe.Resolve(options.Precision, single, device);
        TrainingFootprint Footprint(VisualPredictiveTrainingOptions wanted) => new(config, wanted, precision.ComputeType, lengths.LongestSequence(wanted.BatchSize, wanted.SequenceBudget), start.Stored);
        var plan = new TrainingPlan(Footprint(options), lengths, options, checkpoints, rows) { Precision = precision.ToString(), AvailableMemory = AvailableMemoryNow() };
        if (device.type != TorchSharp.DeviceType.CPU) return plan;
        var choices = new SmallerTrainings(options, lengths.Longest, start.IsTrained, wanted => Footprint(wanted).PeakBytes);
        if (plan._footprint.HeldBytes > plan.AvailableMemory) plan._refuse = () => plan._footprint.Require(start.What, choices.ThatFit(plan.AvailableMemory));
        if (plan.PeakMemory > plan.AvailableMemory) plan.Shortage = $"The training may take some {Size(plan.PeakMemory)} of memory at its peak, but {Size(plan.AvailableMemory)} are available. {choices.ThatTakeLess(plan.PeakMemory)}";
        return plan;
    }

    /// <summary>Refuses a training that cannot be, before anything is loaded or made.</summary>
    /// <exception cref="InsufficientMemoryException">What is held from the first step to the last takes more than is available; options that would fit are named.</exception>
    internal void RequireMemory() => _refuse?.Invoke();

    /// <summary>Parameters that learn.</summary>
    public long TrainedParameters { get; }

    /// <summary>Parameters that stay as they are.</summary>
    public long FrozenParameters { get; }

    /// <summary>Parameters of each part of the model, whether they learn or not.</summary>
    public IReadOnlyDictionary<string, long> Parts { get; }

    /// <summary>Rows of an epoch.</summary>
    public long Rows { get; }

    /// <summary>Optimizer steps; null where time alone ends the training.</summary>
    public long? Steps { get; }

    /// <summary>Positions (of texts and visual tokens) of a row on average, over the first thousand rows.</summary>
    public double MeanPositions { get; }

    /// <summary>Positions of the longest of the first thousand rows.</summary>
    public long LongestRow { get; }

    /// <summary>Positions that are learned in all, from <see cref="MeanPositions"/>; null where time alone ends the training.</summary>
    public long? Positions { get; }

    /// <summary>Bytes of memory by what they are for.</summary>
    public IReadOnlyDictionary<string, long> Memory { get; }

    /// <summary>Bytes of memory at the peak; an estimate; its text says how far from it what was measured is at most.</summary>
    public long PeakMemory { get; }

    /// <summary>Bytes of memory that are available now.</summary>
    public long AvailableMemory { get; private init; }

    /// <summary>Bytes of one checkpoint.</summary>
    public long CheckpointBytes { get; }

    /// <summary>Bytes that checkpoints take on the disk at most: one more than are kept, while it is written; 0 where none are written.</summary>
    public long CheckpointDisk { get; }

    /// <summary>In which element type linear layers are computed.</summary>
    public string Precision { get; private init; } = "";

    /// <summary>Seconds of a step; null where none was measured.</summary>
    public double? SecondsPerStep { get; internal set; }

    /// <summary>What is missing of memory, and which options would take less; null where the peak is below what is available.</summary>
    internal string? Shortage { get; private set; }

    /// <summary>The plan in words.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line(text, $"{TrainedParameters:N0} parameters learn, {FrozenParameters:N0} do not ({string.Join(", ", Parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key} {part.Value:N0}")))}).");
        Line(text, $"{Rows:N0} rows of {MeanPositions:F1} positions on average, {LongestRow:N0} at most (of the first {_sampled:N0}); {(Steps is { } steps ? string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps, some {Positions:N0} positions") : "as many steps as there is time for")}.");
        Line(text, $"Linear layers are computed in {Precision}.");
        Line(text, $"Memory at the peak: some {Size(PeakMemory)} ({string.Join(", ", _footprint.Memory.Select(part => $"{part.Name} {Size(part.Bytes)}"))}); it may be up to {100 * _footprint.Uncertainty:F0} % more or less. {Size(AvailableMemory)} are available.");
        Line(text, $"A checkpoint has {Size(CheckpointBytes)}{(CheckpointDisk == 0 ? "; none are written" : $"; {Size(CheckpointDisk)} of disk are needed for them")}.");
        if (SecondsPerStep is { } seconds) Line(text, $"A step takes {seconds:F2} s{(Steps is { } all ? string.Create(CultureInfo.InvariantCulture, $", the training {TimeSpan.FromSeconds(seconds * all):d\\.hh\\:mm\\:ss}") : "")}.");
        return text.ToString().TrimEnd();
    }

    /// <summary>Rows that are learned in all, as often as they are; null where time alone ends the training.</summary>
    private long? Learned(VisualPredictiveTrainingOptions options, long rows)
    {
        if (Steps is not { } steps) return null;
        // The last step of an epoch takes what is left.
        long stepsOfAnEpoch = (rows + options.BatchSize - 1) / options.BatchSize;
        return rows == 0 ? 0 : steps / stepsOfAnEpoch * rows + steps % stepsOfAnEpoch * options.BatchSize;
    }

    private static long AvailableMemoryNow() => MetaMorph.AvailableMemory.Measure();

    private static void Line(StringBuilder text, FormattableString line) => text.Append(FormattableString.Invariant(line)).Append('\n');

    internal static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB");
}
