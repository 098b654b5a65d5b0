using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The training loop of a visualizer.</summary>
/// <remarks>
/// Not thread-safe. The visualizer must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, it holds the
/// weights of the last complete step (or their running average, but after an exception the weights themselves). All that is random is drawn
/// from the seed and the number of the step, so a training that goes on from <see cref="ExportState"/> with the batches that follow gives the weights of one that was not interrupted.
/// </remarks>
internal sealed class DiffusionTrainer : IDisposable
{
    private readonly VisualizerTrainingOptions _options;
    private readonly PictureParts<VisualizerBatch, DiffusionDraws, double> _parts;
    private readonly AveragedOptimizer _optimizer;
    private readonly TrainingCheckpoints? _checkpoints;

    /// <param name="denoiser">Adapter and network; stays the caller's.</param>
    /// <param name="codec">Between pictures and samples.</param>
    /// <param name="scheduler">How noisy samples are.</param>
    /// <param name="options">Losses and pace.</param>
    /// <param name="checkpoints">Where training goes on, and what it writes; null for none.</param>
    /// <exception cref="ArgumentException">An option is out of range, or asks for a part that the visualizer does not have.</exception>
    public DiffusionTrainer(ITrainableDenoiser denoiser, IPictureCodec codec, SchedulerConfig scheduler, VisualizerTrainingOptions options, TrainingCheckpoints? checkpoints = null)
    {
        options.Validate();
        if (options.Parts == VisualizerParts.All && denoiser.Autoencoder is null)
            throw new ArgumentException($"{nameof(options.Parts)} is {VisualizerParts.All}, but the visualizer denoises pixels and has no autoencoder to train. Choose {VisualizerParts.AdapterAndDenoiser}, or a visualizer with an autoencoder.");
        (_options, _checkpoints) = (options, checkpoints);
        _parts = new PictureParts<VisualizerBatch, DiffusionDraws, double>(new VisualizerObjective(denoiser, codec, scheduler, options), options.PicturesAtATime);
        _optimizer = new AveragedOptimizer(Groups(denoiser, options), options);
        PrecisionChoice Resolve() => PrecisionProbe.Resolve(options.Precision, denoiser.Network, denoiser.Device);
        Precision = checkpoints is null ? Resolve() : checkpoints.Begin(_optimizer, Resolve);
        PrecisionProbe.Apply(denoiser.Adapter, Precision);
        PrecisionProbe.Apply(denoiser.Network, Precision);
    }

    /// <summary>In which element type linear layers and convolutions are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>Steps done.</summary>
    public long Steps => _optimizer.Steps;

    /// <summary>Trains until the steps, the time or the batches end.</summary>
    /// <param name="batches">Taken one by one, checked, and disposed after their step. They begin where the checkpoints say.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="clock">The clock of <see cref="VisualizerTrainingOptions.MaximumSeconds"/>; the system's by default.</param>
    /// <param name="cancellationToken">Ends the training; an incomplete step is dropped.</param>
    /// <exception cref="TrainingDivergedException">A loss or gradient is not finite.</exception>
    /// <exception cref="ArgumentException">A batch does not fit the visualizer.</exception>
    public VisualizerResult Train(IEnumerable<VisualizerBatch> batches, Action<VisualizerProgress>? progress = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        var pace = new TrainingPace(Schedule(), _options.WarmupRatio, _options.Steps, _options.MaximumSeconds, clock ?? TimeProvider.System, _checkpoints?.Elapsed ?? default);
        (TrainingEnd end, double? last) = new PictureLoop(_optimizer, pace, _checkpoints).Run(
            batches,
            (VisualizerBatch batch, StepRows rows) => _parts.Accumulate(batch, rows, cancellationToken),
            (step, loss) => progress?.Invoke(new VisualizerProgress(step, loss)));
        return new VisualizerResult(end, _optimizer.Steps, last ?? double.NaN, Precision);
    }

    /// <summary>The mean loss over batches, each of which is disposed, with the present weights and the same draws every time.</summary>
    /// <exception cref="ArgumentException">There are no batches.</exception>
    public double Evaluate(IEnumerable<VisualizerBatch> batches) => _parts.Evaluate(batches);

    /// <summary>Uses the visualizer with the running average of its weights in the middle of a training; without averaging, just uses it.</summary>
    public void WithAverages(Action use) => _optimizer.WithAverages(use);

    /// <summary>All that a training goes on from beside the weights (with averaging, the weights too): views, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportState() => _optimizer.ExportState();

    /// <summary>Takes over a state that <see cref="ExportState"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state) => _optimizer.ImportState(state);

    public void Dispose() => _optimizer.Dispose();

    private LearningRateSchedule Schedule() => new()
    {
        Kind = _options.Schedule,
        BaseRate = _options.LearningRate,
        TotalSteps = 1,
        Warmup = _options.Warmup,
    };

    private static IEnumerable<ParameterGroup> Groups(ITrainableDenoiser denoiser, VisualizerTrainingOptions options)
    {
        List<ParameterGroup> groups = [.. Part("adapter", denoiser.Adapter, options.Parts != VisualizerParts.Denoiser), .. Part("denoiser", denoiser.Network, options.Parts != VisualizerParts.Adapter)];
        if (options.Parts == VisualizerParts.All) groups.AddRange(Part("autoencoder", denoiser.Autoencoder!, trainable: true));
        return groups;

        IEnumerable<ParameterGroup> Part(string name, nn.Module module, bool trainable)
            => ParameterGroup.Decaying(name, module.named_parameters().Select(p => ($"{name}.{p.name}", p.parameter)), options.WeightDecay, trainable: trainable);
    }
}
