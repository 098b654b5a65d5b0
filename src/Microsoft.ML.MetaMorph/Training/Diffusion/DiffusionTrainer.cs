using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The training loop of a visualizer.</summary>
/// <remarks>
/// Not thread-safe. The visualizer must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, it holds the
/// weights of the last complete step (or their running average). All that is random is drawn from the seed and the number of the step, so a
/// training that goes on from <see cref="ExportState"/> with the batches that follow gives the weights of one that was not interrupted.
/// </remarks>
internal sealed class DiffusionTrainer : IDisposable
{
    // Evaluations draw the same noise every time, and other noise than training.
    private const long EvaluationStep = -1;

    private readonly ITrainableDenoiser _denoiser;
    private readonly IPictureCodec _codec;
    private readonly VisualizerTrainingOptions _options;
    private readonly VisualizerObjective _objective;
    private readonly AveragedOptimizer _optimizer;

    public DiffusionTrainer(ITrainableDenoiser denoiser, IPictureCodec codec, SchedulerConfig scheduler, VisualizerTrainingOptions options)
    {
        options.Validate();
        (_denoiser, _codec, _options) = (denoiser, codec, options);
        _objective = new VisualizerObjective(denoiser, codec, scheduler, options);
        _optimizer = new AveragedOptimizer(Groups(denoiser, options), new AdamWSettings(options.Beta1, options.Beta2, options.Epsilon), options.AveragingDecay, options.MaximumGradientNorm);
        Precision = PrecisionProbe.Resolve(options.Precision, denoiser.Network, denoiser.Device);
        PrecisionProbe.Apply(denoiser.Adapter, Precision);
        PrecisionProbe.Apply(denoiser.Network, Precision);
    }

    /// <summary>In which element type linear layers and convolutions are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>Steps done.</summary>
    public long Steps => _optimizer.Steps;

    /// <summary>Trains until the steps, the time or the batches end.</summary>
    /// <param name="batches">Taken one by one, checked, and disposed after their step.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="clock">The clock of <see cref="VisualizerTrainingOptions.MaximumSeconds"/>; the system's by default.</param>
    /// <param name="cancellationToken">Ends the training; an incomplete step is dropped.</param>
    /// <exception cref="TrainingDivergedException">A loss or gradient is not finite.</exception>
    /// <exception cref="ArgumentException">A batch does not fit the visualizer.</exception>
    public VisualizerResult Train(IEnumerable<VisualizerBatch> batches, Action<VisualizerProgress>? progress = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        _optimizer.Begin();
        var pace = new TrainingPace(Schedule(), _options.WarmupRatio, _options.Steps, _options.MaximumSeconds, clock ?? TimeProvider.System);
        double last = double.NaN;
        long pictures = 0;
        TrainingEnd end = TrainingEnd.Completed;
        foreach (VisualizerBatch batch in batches)
        {
            using VisualizerBatch owned = batch;
            long step = _optimizer.Steps;
            if (!pace.MayBegin(step))
            {
                end = step >= pace.TotalSteps ? TrainingEnd.Completed : TrainingEnd.TimeSpent;
                break;
            }
            batch.Check(_denoiser, _codec);
            if (Accumulate(batch, pictures, cancellationToken) is not { } loss)
            {
                end = TrainingEnd.Cancelled;
                break;
            }
            double rate = pace.RateAt(step), norm = _optimizer.Move(rate, Numbers(batch, pictures));
            last = loss;
            pictures += batch.Count;
            progress?.Invoke(new VisualizerProgress(step + 1, pace.TotalSteps, pace.Share(step + 1), loss, rate, norm, pictures / Math.Max(pace.Elapsed.TotalSeconds, 1e-9), pace.Elapsed));
            if (step + 1 >= pace.TotalSteps) break;         // the next batch would be made for nothing
        }
        _optimizer.End();
        return new VisualizerResult(end, _optimizer.Steps, last, Precision);
    }

    /// <summary>The mean loss over batches, each of which is disposed, with the present weights and the same draws every time.</summary>
    public double Evaluate(IEnumerable<VisualizerBatch> batches)
    {
        using var mode = no_grad();
        double sum = 0;
        long count = 0, number = EvaluationStep;
        foreach (VisualizerBatch batch in batches)
        {
            using VisualizerBatch owned = batch;
            using var scope = NewDisposeScope();
            batch.Check(_denoiser, _codec);
            DiffusionDraws draws = _objective.Draw(batch, number--);
            foreach ((int begin, int rows) in Parts(batch.Count))
                sum += _objective.Losses(batch.Pictures.narrow(0, begin, rows), batch.VisualTokens.narrow(0, begin, rows), draws.Slice(begin, rows)).sum().item<float>();
            count += batch.Count;
        }
        return count > 0 ? sum / count : throw new ArgumentException("There are no batches to evaluate.", nameof(batches));
    }

    /// <summary>Uses the visualizer with the running average of its weights in the middle of a training; without averaging, just uses it.</summary>
    public void WithAverages(Action use) => _optimizer.WithAverages(use);

    /// <summary>All that a training goes on from beside the weights (with averaging, the weights too): views, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportState() => _optimizer.ExportState();

    /// <summary>Takes over a state that <see cref="ExportState"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state) => _optimizer.ImportState(state);

    public void Dispose() => _optimizer.Dispose();

    /// <summary>Gradients and mean loss of a step; null after a cancellation.</summary>
    private double? Accumulate(VisualizerBatch batch, long firstRow, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        _optimizer.ZeroGradients();
        DiffusionDraws draws = _objective.Draw(batch, _optimizer.Steps);
        double sum = 0;
        foreach ((int begin, int rows) in Parts(batch.Count))
        {
            if (cancellationToken.IsCancellationRequested) return null;
            using var part = NewDisposeScope();
            double loss = _objective.Accumulate(batch.Pictures.narrow(0, begin, rows), batch.VisualTokens.narrow(0, begin, rows), draws.Slice(begin, rows), batch.Count);
            if (!double.IsFinite(loss)) throw new TrainingDivergedException(_optimizer.Steps + 1, [.. Numbers(batch, firstRow).Skip(begin).Take(rows)], $"the loss is {loss}");
            sum += loss;
        }
        return sum / batch.Count;
    }

    private IEnumerable<(int Begin, int Rows)> Parts(long count)
    {
        int size = _options.PicturesAtATime ?? (int)count;
        for (int begin = 0; begin < count; begin += size) yield return (begin, (int)Math.Min(size, count - begin));
    }

    private static IEnumerable<long> Numbers(VisualizerBatch batch, long firstRow) => batch.Rows ?? Enumerable.Range(0, (int)batch.Count).Select(i => firstRow + i);

    private LearningRateSchedule Schedule() => new()
    {
        Kind = _options.Schedule,
        BaseRate = _options.LearningRate,
        TotalSteps = 1,
        Warmup = _options.Warmup,
    };

    private static List<ParameterGroup> Groups(ITrainableDenoiser denoiser, VisualizerTrainingOptions options)
    {
        var groups = new List<ParameterGroup>();
        Add("adapter", denoiser.Adapter, options.Parts != VisualizerParts.Denoiser);
        Add("denoiser", denoiser.Network, options.Parts != VisualizerParts.Adapter);
        return groups;

        void Add(string name, nn.Module module, bool trainable)
        {
            ILookup<bool, (string Name, Parameter Parameter)> parts = module.named_parameters().ToLookup(p => p.parameter.dim() >= 2, p => ($"{name}.{p.name}", p.parameter));
            groups.Add(new ParameterGroup(name, [.. parts[true]], 1, options.WeightDecay, trainable));
            groups.Add(new ParameterGroup(name + " (vectors)", [.. parts[false]], 1, 0, trainable));
        }
    }
}
