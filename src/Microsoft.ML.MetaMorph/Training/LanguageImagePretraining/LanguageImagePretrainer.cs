using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>The training loop of the encoder.</summary>
/// <remarks>
/// Not thread-safe. The model must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, the model holds
/// the weights of the last complete step (or their running average, but after an exception the weights themselves).
/// </remarks>
internal sealed class LanguageImagePretrainer : IDisposable
{
    private readonly LanguageImageModel _model;
    private readonly LanguageImagePretrainingOptions _options;
    private readonly CaptionTokens _tokens;
    private readonly LanguageImageObjective _objective;
    private readonly AveragedOptimizer _optimizer;
    private readonly TrainingCheckpoints? _checkpoints;

    /// <param name="model">Stays the caller's.</param>
    /// <param name="options">Losses and pace.</param>
    /// <param name="tokens">Of the captions.</param>
    /// <param name="checkpoints">Where training goes on, and what it writes; null for none.</param>
    public LanguageImagePretrainer(LanguageImageModel model, LanguageImagePretrainingOptions options, CaptionTokens tokens, TrainingCheckpoints? checkpoints = null)
    {
        options.Validate();
        tokens.Check();
        _model = model;
        _options = options;
        _tokens = tokens;
        _checkpoints = checkpoints;
        _optimizer = new AveragedOptimizer(Groups(model, options), options);
        _objective = new LanguageImageObjective(model, tokens, options.CaptionWeight, options.ContrastiveWeight);
        PrecisionChoice Resolve() => PrecisionProbe.Resolve(options.Precision, model, model.Device);
        Precision = checkpoints is null ? Resolve() : checkpoints.Begin(_optimizer, Resolve);
        PrecisionProbe.Apply(model, Precision);
    }

    /// <summary>In which element type linear layers are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>Trains until the steps, the time or the batches end.</summary>
    /// <param name="batches">Taken one by one, checked, and disposed after their step. They begin where the checkpoints say.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="clock">The clock of <see cref="LanguageImagePretrainingOptions.MaximumSeconds"/>; the system's by default.</param>
    /// <param name="cancellationToken">Ends the training before the next step.</param>
    /// <exception cref="TrainingDivergedException">A loss or gradient is not finite.</exception>
    /// <exception cref="ArgumentException">A batch does not fit the model or the tokenizer.</exception>
    public LanguageImageResult Train(
        IEnumerable<LanguageImageBatch> batches,
        Action<LanguageImageProgress>? progress = null,
        TimeProvider? clock = null,
        CancellationToken cancellationToken = default)
    {
        var pace = new TrainingPace(Schedule(), _options.WarmupRatio, _options.Steps, _options.MaximumSeconds, clock ?? TimeProvider.System, _checkpoints?.Elapsed ?? default);
        (TrainingEnd end, LanguageImageLoss? last) = new PictureLoop(_optimizer, pace, _checkpoints).Run(
            batches,
            (LanguageImageBatch batch, StepRows rows) => cancellationToken.IsCancellationRequested ? null : Accumulate(batch, rows),
            (step, loss) => progress?.Invoke(new LanguageImageProgress(step, loss)));
        return new LanguageImageResult(end, _optimizer.Steps, last ?? default, Precision);
    }

    /// <summary>Scores over batches, each of which is disposed; retrieval is within a batch.</summary>
    public LanguageImageScores Evaluate(IEnumerable<LanguageImageBatch> batches)
    {
        LanguageImageScores? total = null;
        foreach (LanguageImageBatch batch in batches)
        {
            using LanguageImageBatch owned = batch;
            batch.Check(_tokens);
            LanguageImageScores scores = _objective.Evaluate(batch);
            total = total is null ? scores : total.And(scores);
        }
        return total ?? throw new ArgumentException("There are no batches to evaluate.", nameof(batches));
    }

    public void Dispose() => _optimizer.Dispose();

    private LanguageImageLoss? Accumulate(LanguageImageBatch batch, StepRows rows)
    {
        batch.Check(_tokens);
        LanguageImageLoss loss = _objective.Accumulate(batch);
        return double.IsFinite(loss.Total) ? loss : throw rows.Diverged($"the loss is not finite ({loss.Parts})", _model.named_parameters());
    }

    private LearningRateSchedule Schedule() => new()
    {
        Kind = _options.Schedule,
        BaseRate = _options.LearningRate,
        TotalSteps = 1,
    };

    /// <summary>Matrices decay, vectors do not; what no loss reaches (the pooling head under captions alone) stays as it is.</summary>
    private static IEnumerable<ParameterGroup> Groups(LanguageImageModel model, LanguageImagePretrainingOptions options)
    {
        ILookup<bool, (string Name, Parameter Parameter)> parts = model.named_parameters().ToLookup(p => model.Text is not null || !IsPooling(p.name), p => (p.name, p.parameter));
        return [.. ParameterGroup.Decaying("model", parts[true], options.WeightDecay), new ParameterGroup("pooling", [.. parts[false]], Trainable: false)];
    }

    private static bool IsPooling(string name)
        => name.StartsWith("vision_model.head.", StringComparison.Ordinal) || name.StartsWith("vision_model.post_layernorm.", StringComparison.Ordinal);
}
