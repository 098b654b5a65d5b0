using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The checkpoints of one training: where it goes on, and when and what is written.</summary>
/// <remarks>
/// A training that was killed and goes on from here ends with the same weights, bit for bit, on the same machine: all that it is at a step is
/// weights, moments and averages, the number of the step (from which everything random is drawn) and the place in the stream of rows.
/// </remarks>
internal sealed class TrainingCheckpoints : IDisposable
{
    private readonly CheckpointStore _store;
    private readonly CheckpointSettings _settings;
    private readonly TrainingFingerprint _training;
    private readonly Action<string> _info;
    private PrecisionChoice? _precision;
    private string? _written;

    /// <param name="settings">Where, how often, how many.</param>
    /// <param name="training">What has to be the same.</param>
    /// <param name="info">Told where the training goes on.</param>
    /// <param name="warn">Told of checkpoints that are not whole.</param>
    /// <param name="create">Opens a file to write; null: a file on the disk.</param>
    /// <exception cref="InvalidDataException">The folder holds checkpoints of another training; what differs is named.</exception>
    /// <exception cref="IOException">The folder cannot be used, or another training holds it.</exception>
    public TrainingCheckpoints(CheckpointSettings settings, TrainingFingerprint training, Action<string> info, Action<string> warn, Func<string, Stream>? create = null)
    {
        (_settings, _training, _info) = (settings, training, info);
        _store = new CheckpointStore(settings.Folder, settings.Count, create);
        try
        {
            Last = _store.FindLast(warn);
            if (Last is not null) RequireSame(Last);
        }
        catch
        {
            _store.Dispose();
            throw;
        }

        _written = Last?.Name;
    }

    /// <summary>The checkpoint from which the training goes on; null: it begins.</summary>
    public TrainingCheckpoint? Last { get; }

    /// <summary>What the training is.</summary>
    public TrainingFingerprint Training => _training;

    /// <summary>What watches the loss on validation rows, and is stored too; null for nothing. To be given before the training begins.</summary>
    public ValidationWatch? Watch { get; set; }

    /// <summary>Where the stream of rows goes on.</summary>
    public StreamPlace Next => Last?.Next ?? default;

    /// <summary>What earlier runs took.</summary>
    public TimeSpan Elapsed => TimeSpan.FromSeconds(Last?.ElapsedSeconds ?? 0);

    /// <summary>Brings weights and optimizer to where the training goes on.</summary>
    /// <param name="optimizer">Fresh.</param>
    /// <param name="resolve">Decides in which element type layers are computed, where the training begins.</param>
    /// <returns>In which they are: what was measured once holds for the whole training.</returns>
    /// <exception cref="InvalidDataException">The tensors are those of another architecture.</exception>
    public PrecisionChoice Begin(AveragedOptimizer optimizer, Func<PrecisionChoice> resolve)
    {
        if (Last is null)
        {
            _info($"Checkpoints go into '{_settings.Folder}' every {_settings.Interval} steps and at the end.");
            return (_precision = resolve());
        }

        TrainingCheckpoint last = Last;
        string place = _store.PathOf(last.Name);
        _store.Read(last, state => Import(optimizer, last, state));
        _info(Last.End is { } end
            ? $"The training was finished before ({end} after {Last.Step} steps): its weights are those of '{place}', and nothing is trained. Give another CheckpointFolder to train anew."
            : $"The training goes on from step {Last.Step} ('{place}').");
        return (_precision = Last.Precision);
    }

    /// <summary>Writes a checkpoint where one is due after a step.</summary>
    /// <param name="optimizer">After the step.</param>
    /// <param name="position">After the step.</param>
    /// <param name="isLast">Whether the training ends with it.</param>
    public void AfterStep(AveragedOptimizer optimizer, TrainingPosition position, bool isLast)
    {
        if (isLast) Write(optimizer, position, TrainingEnd.Completed);
        else if (optimizer.Steps % _settings.Interval == 0) Write(optimizer, position, end: null);
    }

    /// <summary>Writes a checkpoint at the end of a run, where there is not this one already.</summary>
    /// <param name="optimizer">After the last step.</param>
    /// <param name="position">After the last step.</param>
    /// <param name="end">How the run ended; a cancelled training goes on the next time.</param>
    public void AtEnd(AveragedOptimizer optimizer, TrainingPosition position, TrainingEnd end)
    {
        if (optimizer.Steps > 0) Write(optimizer, position, end == TrainingEnd.Cancelled ? null : end);
    }

    public void Dispose() => _store.Dispose();

    private void Write(AveragedOptimizer optimizer, TrainingPosition position, TrainingEnd? end)
    {
        if (_precision is not { } precision) throw new InvalidOperationException("The training has not begun.");
        if (TrainingCheckpoint.NameOf(optimizer.Steps, end is not null) == _written) return;
        using var scope = NewDisposeScope();
        var checkpoint = new TrainingCheckpoint
        {
            Step = optimizer.Steps,
            Items = position.Items,
            Next = position.Next ?? throw new InvalidOperationException("The batches do not tell where their stream goes on."),
            ElapsedSeconds = position.Elapsed.TotalSeconds,
            ComputeType = precision.ComputeType,
            ComputeReason = precision.Reason,
            End = end,
            Watch = Watch?.State,
            StateBytes = 0,
            Options = _training.Values,
        };
        IReadOnlyDictionary<string, Tensor> state = optimizer.ExportAll();
        _store.Write(checkpoint, Watch is null ? state : state.Concat(Watch.Export()).ToDictionary());
        _written = checkpoint.Name;
    }

    private void Import(AveragedOptimizer optimizer, TrainingCheckpoint last, IReadOnlyDictionary<string, Tensor> state)
    {
        ILookup<bool, KeyValuePair<string, Tensor>> parts = state.ToLookup(entry => Watch is not null && ValidationWatch.IsState(entry.Key));
        optimizer.ImportAll(parts[false].ToDictionary());
        Watch?.Import(last.Watch, parts[true].ToDictionary());
    }

    private void RequireSame(TrainingCheckpoint last)
    {
        IReadOnlyList<string> differences = _training.DifferencesFrom(last.Options);
        if (differences.Count > 0)
            throw new InvalidDataException($"'{_store.PathOf(last.Name)}' is a checkpoint of another training: {string.Join("; ", differences)}. Fit as it was begun, or give another CheckpointFolder.");
    }
}

/// <summary>How far a training is, beside its weights.</summary>
/// <param name="Items">Pictures taken, or positions computed, so far.</param>
/// <param name="Next">Where their stream goes on; null where nobody tells.</param>
/// <param name="Elapsed">The time it took, of all runs together.</param>
internal sealed record TrainingPosition(long Items, StreamPlace? Next, TimeSpan Elapsed);
