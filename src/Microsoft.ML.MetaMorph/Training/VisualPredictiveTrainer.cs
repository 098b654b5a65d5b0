using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The training loop: rows are packed, gradients accumulate token by token over the sequences of a step, are clipped, and move the
/// weights of the parts that the stage trains.
/// </summary>
/// <remarks>
/// Not thread-safe. The model must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, the model holds
/// the weights of the last complete step (or their running average, if asked for; after an exception the weights themselves).
/// A time budget is looked at before each step: the last one may end a little behind it. A checkpoint is written before anybody is told of its
/// step, so whatever they do with it loses nothing.
/// </remarks>
internal sealed class VisualPredictiveTrainer : IDisposable
{
    private readonly MetaMorphModel _model;
    private readonly VisualPredictiveTrainingOptions _options;
    private readonly VisualPredictiveObjective _objective;
    private readonly AveragedOptimizer _optimizer;
    private readonly TrainingCheckpoints? _checkpoints;
    private readonly ValidationWatch? _watch;
    private readonly Device _device;

    /// <param name="model">What is trained; stays the caller's.</param>
    /// <param name="options">Stage, losses and pace.</param>
    /// <param name="checkpoints">Where training goes on, and what it writes; null for none.</param>
    public VisualPredictiveTrainer(MetaMorphModel model, VisualPredictiveTrainingOptions options, TrainingCheckpoints? checkpoints = null)
    {
        options.Validate();
        LowRankStart.Prepare(model, options);
        _model = model;
        _options = options;
        _checkpoints = checkpoints;
        _optimizer = new AveragedOptimizer(MetaMorphParts.Groups(model, options), options);
        _watch = ValidationWatch.Of(_optimizer, options);
        _device = model.Device;
        bool both = options.Stage == VisualPredictiveStage.InstructionTuning;
        _objective = new VisualPredictiveObjective(model, both ? options.VisionCoefficient : 0, options.RecomputesActivations);
        PrecisionChoice Resolve() => PrecisionProbe.Resolve(options.Precision, model, _device);
        if (checkpoints is not null) checkpoints.Watch = _watch;
        Precision = checkpoints is null ? Resolve() : checkpoints.Begin(_optimizer, Resolve);
        PrecisionProbe.Apply(model, Precision);
        LowRankStart.KeepFrozenCopies(model);
    }

    /// <summary>In which element type linear layers are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>The optimizer: its state (with averaging, the weights too) is what a resumed training starts from.</summary>
    public AveragedOptimizer Optimizer => _optimizer;

    /// <summary>Trains from the optimizer's present step to the end.</summary>
    /// <param name="source">The rows. A training that goes on visits them as if it had not been interrupted.</param>
    /// <param name="validation">Rows to evaluate every <see cref="VisualPredictiveTrainingOptions.ValidationInterval"/> steps and at the end.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="clock">The clock of <see cref="VisualPredictiveTrainingOptions.MaximumSeconds"/>; the system's by default.</param>
    /// <param name="cancellationToken">Ends the training before the next sequence; an incomplete step is dropped.</param>
    /// <exception cref="TrainingDivergedException">A loss or gradient is not finite.</exception>
    /// <exception cref="ArgumentException">The options watch the validation rows, but there are none.</exception>
    public TrainingResult Train(
        TrainingSource source,
        TrainingSource? validation = null,
        Action<TrainingProgress>? progress = null,
        TimeProvider? clock = null,
        CancellationToken cancellationToken = default)
    {
        if (_watch is not null && validation is null) throw new ArgumentException(_options.NoValidation, nameof(validation));
        _optimizer.Begin();
        var run = new Run(new TrainingPace(_options, source.Count, clock ?? TimeProvider.System, _checkpoints?.Elapsed ?? default), _checkpoints?.Last);
        TrainingEnd? before = _checkpoints?.Last?.End;
        TrainingEnd end = before ?? Steps(run, source, validation, progress, cancellationToken);
        source.RequireSomethingToLearn();
        // The last weights take part in the choice of the best; those of a training that was finished before did.
        if (_watch is not null && before is null && end != TrainingEnd.Cancelled && run.Evaluated is null) run.Evaluated = EvaluateAverage(validation!);
        _checkpoints?.AtEnd(_optimizer, run.Position, end);
        _optimizer.End();
        LossParts? evaluated = validation is null || end == TrainingEnd.Cancelled ? null : EvaluateLast(run, validation);
        return new TrainingResult(end, _optimizer.Steps, run.Loss, evaluated, Precision);
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

    public void Dispose()
    {
        _watch?.Dispose();
        _optimizer.Dispose();
    }

    private TrainingEnd Steps(Run run, TrainingSource source, TrainingSource? validation, Action<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        foreach ((int epoch, TrainingRow[] rows) in Batches(source, run))
        {
            long step = _optimizer.Steps;
            if (_watch is { IsSpent: true }) return TrainingEnd.StoppedEarly;
            if (!run.Pace.MayBegin(step)) return step >= run.Pace.TotalSteps ? TrainingEnd.Completed : TrainingEnd.TimeSpent;
            double rate = run.Pace.RateAt(step);
            var batch = new TrainingBatch(rows, _model.Config, _options.SequenceBudget, Dropped(step, rows.Length));
            if (Accumulate(batch, cancellationToken) is not { } loss) return TrainingEnd.Cancelled;
            double norm = _optimizer.Move(rate, batch.RowNumbers());
            run.Take(batch, loss, new StreamPlace(epoch, rows[^1].Place + 1, Mark: rows[^1].Mark));
            run.Evaluated = validation is not null && _options.ValidationInterval is { } interval && (step + 1) % interval == 0 ? EvaluateAverage(validation) : null;
            // The last step is written at the end, when it is known that the rows taught something.
            _checkpoints?.AfterStep(_optimizer, run.Position, isLast: false);
            progress?.Invoke(Progress(run, epoch, rate, norm));
        }

        return TrainingEnd.Completed;
    }

    /// <summary>The batches that are left, epoch by epoch; a resumed training passes over those that it has seen.</summary>
    private IEnumerable<(int Epoch, TrainingRow[] Rows)> Batches(TrainingSource source, Run run)
    {
        // Without checkpoints nobody knows the place, but the number of steps tells it.
        long skip = _checkpoints is null ? _optimizer.Steps : 0;
        StreamPlace from = _checkpoints?.Next ?? default;
        for (int epoch = from.Epoch; epoch < run.Pace.Epochs; epoch++)
        {
            StreamPlace begin = epoch == from.Epoch ? from : new StreamPlace(epoch, 0);
            bool any = !begin.IsBeginning;
            foreach (TrainingRow[] rows in source.Rows(EpochSeed(_options.Seed, epoch), begin).Chunk(_options.BatchSize))
            {
                any = true;
                if (skip > 0) skip--;
                else yield return (epoch, rows);
            }

            if (!any) throw source.NoRows(epoch + 1);
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

    /// <summary>The losses of the weights with which the model ends: the best ones, where they are kept.</summary>
    private LossParts EvaluateLast(Run run, TrainingSource validation)
        => _watch?.TryRestore() == true && _watch.State!.Step != _optimizer.Steps ? Evaluate(validation) : run.Evaluated ?? Evaluate(validation);

    /// <summary>The rows of a step whose prompts have no pictures: drawn from seed and step, so that a training that goes on draws the same.</summary>
    private bool[]? Dropped(long step, int count)
    {
        if (_options.ImageDropout == 0) return null;
        var random = new Random(unchecked(_options.Seed * 1_000_003 + (int)step * 7_919 + 1));
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() < _options.ImageDropout)];
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
        _optimizer.WithAverages(() =>
        {
            parts = Evaluate(validation);
            if (parts is not { LanguageCount: 0, VisualCount: 0 }) _watch?.Take(_optimizer.Steps, parts.Total(_objective.VisionCoefficient));
        });
        return parts;
    }

    private TrainingProgress Progress(Run run, int epoch, double rate, double norm)
    {
        long step = _optimizer.Steps;
        TimeSpan elapsed = run.Pace.Elapsed;
        double speed = run.Positions / Math.Max(elapsed.TotalSeconds, 1e-9);
        return new TrainingProgress(step, run.Pace.TotalSteps, run.Pace.Share(step), epoch + 1, run.Loss, run.Loss.Total(_objective.VisionCoefficient), rate, norm, run.Positions, speed, elapsed, run.Evaluated);
    }

    /// <summary>How far a training is.</summary>
    private sealed class Run(TrainingPace pace, TrainingCheckpoint? last)
    {
        private StreamPlace? _next = last?.Next;

        public TrainingPace Pace => pace;

        /// <summary>Positions computed, by earlier runs too.</summary>
        public long Positions { get; private set; } = last?.Items ?? 0;

        /// <summary>The losses of the last step.</summary>
        public LossParts Loss { get; private set; }

        /// <summary>The losses on the validation rows, where the last step evaluated them.</summary>
        public LossParts? Evaluated { get; set; }

        public TrainingPosition Position => new(Positions, _next, pace.Elapsed);

        public void Take(TrainingBatch batch, LossParts loss, StreamPlace next)
        {
            Positions += batch.Positions;
            Loss = loss;
            _next = next;
        }
    }
}
