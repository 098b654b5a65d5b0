using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>The training loop of the encoder.</summary>
/// <remarks>
/// Not thread-safe. The model must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, the model holds
/// the weights of the last complete step (or their running average).
/// </remarks>
internal sealed class LanguageImagePretrainer : IDisposable
{
    private readonly LanguageImageModel _model;
    private readonly LanguageImagePretrainingOptions _options;
    private readonly CaptionTokens _tokens;
    private readonly LanguageImageObjective _objective;
    private readonly FlatParameters _parameters;
    private readonly FlatAdamW _optimizer;
    private readonly ExponentialMovingAverage? _average;

    public LanguageImagePretrainer(LanguageImageModel model, LanguageImagePretrainingOptions options, CaptionTokens tokens)
    {
        options.Validate();
        tokens.Check();
        _model = model;
        _options = options;
        _tokens = tokens;
        _parameters = new FlatParameters(Groups(model, options));
        _optimizer = new FlatAdamW(_parameters, new AdamWSettings(options.Beta1, options.Beta2, options.Epsilon));
        if (options.AveragingDecay is { } decay) _average = new ExponentialMovingAverage(_parameters, new ExponentialMovingAverageSettings(decay));
        _objective = new LanguageImageObjective(model, tokens, options.CaptionWeight, options.ContrastiveWeight);
        Precision = PrecisionProbe.Resolve(options.Precision, model, model.Device);
        PrecisionProbe.Apply(model, Precision);
    }

    /// <summary>In which element type linear layers are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>Trains until the steps, the time or the batches end.</summary>
    /// <param name="batches">Taken one by one, checked, and disposed after their step.</param>
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
        var pace = new TrainingPace(Schedule(), _options.WarmupRatio, _options.Steps, _options.MaximumSeconds, clock ?? TimeProvider.System);
        LanguageImageLoss last = default;
        TrainingEnd end = TrainingEnd.Completed;
        long pictures = 0;
        foreach (LanguageImageBatch batch in batches)
        {
            using LanguageImageBatch owned = batch;
            long step = _optimizer.Steps;
            if (cancellationToken.IsCancellationRequested || !pace.MayBegin(step))
            {
                end = cancellationToken.IsCancellationRequested ? TrainingEnd.Cancelled : step >= pace.TotalSteps ? TrainingEnd.Completed : TrainingEnd.TimeSpent;
                break;
            }
            double rate = pace.RateAt(step);
            (last, double norm) = Step(batch, rate, pictures);
            pictures += batch.Captions.Count;
            progress?.Invoke(new LanguageImageProgress(step + 1, pace.TotalSteps, pace.Share(step + 1), last, rate, norm, pictures / Math.Max(pace.Elapsed.TotalSeconds, 1e-9), pace.Elapsed));
            if (step + 1 >= pace.TotalSteps) break;         // the next batch would be made for nothing
        }
        if (_optimizer.Steps > 0) _average?.Swap();
        return new LanguageImageResult(end, _optimizer.Steps, last, Precision);
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

    public void Dispose()
    {
        _average?.Dispose();
        _optimizer.Dispose();
        _parameters.Dispose();
    }

    private (LanguageImageLoss Loss, double Norm) Step(LanguageImageBatch batch, double rate, long firstRow)
    {
        batch.Check(_tokens);
        _parameters.ZeroGradients();
        LanguageImageLoss loss = _objective.Accumulate(batch);
        if (!double.IsFinite(loss.Total)) throw Diverged(batch, firstRow, $"the loss is not finite (caption {loss.Caption:G4}, contrastive {loss.Contrastive:G4})");
        double norm = _options.MaximumGradientNorm is { } maximum ? _parameters.ClipGradients(maximum) : _parameters.GradientNorm();
        if (!double.IsFinite(norm)) throw Diverged(batch, firstRow, $"the norm of the gradients is {norm}");
        _optimizer.Step(rate);
        _average?.Update();
        return (loss, norm);
    }

    private TrainingDivergedException Diverged(LanguageImageBatch batch, long firstRow, string what)
        => new(_optimizer.Steps + 1, [.. Enumerable.Range(0, batch.Captions.Count).Select(i => firstRow + i)], what);

    private LearningRateSchedule Schedule() => new()
    {
        Kind = _options.Schedule,
        BaseRate = _options.LearningRate,
        TotalSteps = 1,
    };

    /// <summary>Matrices decay, vectors do not; what no loss reaches (the pooling head under captions alone) stays as it is.</summary>
    private static IEnumerable<ParameterGroup> Groups(LanguageImageModel model, LanguageImagePretrainingOptions options)
    {
        ILookup<(bool Reached, bool Matrix), (string Name, Parameter Parameter)> parts = model.named_parameters()
            .ToLookup(p => (Reached: model.Text is not null || !IsPooling(p.name), Matrix: p.parameter.dim() >= 2), p => (p.name, p.parameter));
        yield return new ParameterGroup("matrices", [.. parts[(true, true)]], 1, options.WeightDecay);
        yield return new ParameterGroup("vectors", [.. parts[(true, false)]]);
        yield return new ParameterGroup("pooling", [.. parts[(false, true)], .. parts[(false, false)]], Trainable: false);
    }

    private static bool IsPooling(string name)
        => name.StartsWith("vision_model.head.", StringComparison.Ordinal) || name.StartsWith("vision_model.post_layernorm.", StringComparison.Ordinal);
}
