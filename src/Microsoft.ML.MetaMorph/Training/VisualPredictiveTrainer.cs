using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The training loop: rows are packed, gradients accumulate token by token over the sequences of a step, are clipped, and move the
/// weights of the parts that the stage trains.
/// </summary>
/// <remarks>
/// Not thread-safe. The model must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, the model holds
/// the weights of the last complete step (or their running average, if asked for; after an exception the weights themselves).
/// A time budget is looked at before each step: the last one may end a little behind it.
/// </remarks>
internal sealed class VisualPredictiveTrainer : IDisposable
{
    private readonly MetaMorphModel _model;
    private readonly VisualPredictiveTrainingOptions _options;
    private readonly VisualPredictiveObjective _objective;
    private readonly AveragedOptimizer _optimizer;
    private readonly Device _device;

    public VisualPredictiveTrainer(MetaMorphModel model, VisualPredictiveTrainingOptions options)
    {
        options.Validate();
        LowRankStart.Prepare(model, options);
        _model = model;
        _options = options;
        _optimizer = new AveragedOptimizer(MetaMorphParts.Groups(model, options), options);
        _device = model.Device;
        bool both = options.Stage == VisualPredictiveStage.InstructionTuning;
        _objective = new VisualPredictiveObjective(model, both ? options.VisionCoefficient : 0, options.RecomputesActivations);
        Precision = PrecisionProbe.Resolve(options.Precision, model, _device);
        PrecisionProbe.Apply(model, Precision);
        LowRankStart.KeepFrozenCopies(model);
    }

    /// <summary>In which element type linear layers are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>The optimizer, for checkpoints: its state (with averaging, the weights too) is what a resumed training starts from.</summary>
    public AveragedOptimizer Optimizer => _optimizer;

    /// <summary>Trains from the optimizer's present step to the end.</summary>
    /// <param name="source">The rows. A training that goes on visits them as if it had not been interrupted.</param>
    /// <param name="validation">Rows to evaluate every <see cref="VisualPredictiveTrainingOptions.ValidationInterval"/> steps and at the end.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="clock">The clock of <see cref="VisualPredictiveTrainingOptions.MaximumSeconds"/>; the system's by default.</param>
    /// <param name="cancellationToken">Ends the training before the next sequence; an incomplete step is dropped.</param>
    /// <exception cref="TrainingDivergedException">A loss or gradient is not finite.</exception>
    public TrainingResult Train(
        TrainingSource source,
        TrainingSource? validation = null,
        Action<TrainingProgress>? progress = null,
        TimeProvider? clock = null,
        CancellationToken cancellationToken = default)
    {
        _optimizer.Begin();
        var pace = new TrainingPace(_options, source.Count, clock ?? TimeProvider.System);
        LossParts last = default;
        LossParts? evaluated = null;
        long positions = 0;
        TrainingEnd end = TrainingEnd.Completed;
        foreach ((int epoch, IReadOnlyList<TrainingRow> rows) in Batches(source, pace))
        {
            long step = _optimizer.Steps;
            if (!pace.MayBegin(step))
            {
                end = step >= pace.TotalSteps ? TrainingEnd.Completed : TrainingEnd.TimeSpent;
                break;
            }
            double rate = pace.RateAt(step);
            var batch = new TrainingBatch(rows, _model.Config, _options.SequenceBudget);
            if (Accumulate(batch, cancellationToken) is not { } loss)
            {
                end = TrainingEnd.Cancelled;
                break;
            }
            double norm = _optimizer.Move(rate, batch.RowNumbers());
            last = loss;
            positions += batch.Positions;
            evaluated = validation is not null && _options.ValidationInterval is { } interval && (step + 1) % interval == 0 ? EvaluateAverage(validation) : null;
            progress?.Invoke(Progress(pace, epoch, loss, rate, norm, positions, evaluated));
        }
        _optimizer.End();
        if (end != TrainingEnd.Cancelled && validation is not null) evaluated ??= Evaluate(validation);
        return new TrainingResult(end, _optimizer.Steps, last, end == TrainingEnd.Cancelled ? null : evaluated, Precision);
    }

    /// <summary>The losses over all rows of a source with the present weights.</summary>
    public LossParts Evaluate(TrainingSource source)
    {
        LossParts total = default;
        foreach (TrainingRow[] rows in source.Rows(null).Chunk(_options.BatchSize))
        {
            using var scope = NewDisposeScope();
            var batch = new TrainingBatch(rows, _model.Config, _options.SequenceBudget);
            foreach (PackedSequence sequence in batch.Sequences) total += _objective.Evaluate(sequence, batch.VisualTokens(sequence, _device));
        }
        return total;
    }

    public void Dispose() => _optimizer.Dispose();

    /// <summary>The batches that are left, epoch by epoch; a resumed training passes over those that it has seen.</summary>
    private IEnumerable<(int Epoch, IReadOnlyList<TrainingRow> Rows)> Batches(TrainingSource source, TrainingPace pace)
    {
        long skip = _optimizer.Steps;
        for (int epoch = 0; epoch < pace.Epochs; epoch++)
        {
            long seen = 0;
            foreach (TrainingRow[] rows in source.Rows(EpochSeed(_options.Seed, epoch)).Chunk(_options.BatchSize))
            {
                seen++;
                if (skip > 0) skip--;
                else yield return (epoch + 1, rows);
            }
            if (seen == 0) throw source.NoRows(epoch + 1);
        }
    }

    /// <summary>Gradients and losses of a step; null after a cancellation.</summary>
    private LossParts? Accumulate(TrainingBatch batch, CancellationToken cancellationToken)
    {
        _optimizer.ZeroGradients();
        LossParts total = default;
        long place = 0;
        foreach (PackedSequence sequence in batch.Sequences)
        {
            if (cancellationToken.IsCancellationRequested) return null;
            using var scope = NewDisposeScope();
            LossParts parts = Accumulate(sequence, batch, place++);
            if (!parts.IsFinite)
                throw new TrainingDivergedException(_optimizer.Steps + 1, [.. batch.RowNumbers(sequence)], $"the loss is not finite ({parts.Parts})", _optimizer.Steps == 0 ? BrokenWeights.Find(_model.named_parameters()) : null);
            total += parts;
        }
        return total;
    }

    private LossParts Accumulate(PackedSequence sequence, TrainingBatch batch, long place)
    {
        LowRankAdapter? adapter = _model.Language.Adapter;
        adapter?.Drawn = new DropoutDraws(_options.Seed, _optimizer.Steps, place);
        try
        {
            return _objective.Accumulate(sequence, batch.VisualTokens(sequence, _device), batch.LanguageCount, batch.VisualCount);
        }
        finally
        {
            adapter?.Drawn = null;
        }
    }

    // Unlike from epoch to epoch, alike from run to run (System.HashCode is neither).
    private static int EpochSeed(int seed, int epoch) => unchecked(seed * 1_000_003 + epoch);

    private LossParts EvaluateAverage(TrainingSource validation)
    {
        LossParts parts = default;
        _optimizer.WithAverages(() => parts = Evaluate(validation));
        return parts;
    }

    private TrainingProgress Progress(TrainingPace pace, int epoch, LossParts loss, double rate, double norm, long positions, LossParts? evaluated)
    {
        long step = _optimizer.Steps;
        TimeSpan elapsed = pace.Elapsed;
        double speed = positions / Math.Max(elapsed.TotalSeconds, 1e-9);
        return new TrainingProgress(step, pace.TotalSteps, pace.Share(step), epoch, loss, loss.Total(_objective.VisionCoefficient), rate, norm, positions, speed, elapsed, evaluated);
    }
}
