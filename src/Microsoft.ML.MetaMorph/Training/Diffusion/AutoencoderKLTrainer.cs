using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The training loop of an autoencoder.</summary>
/// <remarks>
/// Not thread-safe. The autoencoder must not be used elsewhere while it trains. After <see cref="Train"/>, however it ended, it holds the
/// weights of the last complete step (or their running average, but after an exception the weights themselves). All that is random is drawn
/// from the seed and the number of the step, so a training that goes on from <see cref="ExportState"/> with the batches that follow gives the weights of one that was not interrupted.
/// </remarks>
internal sealed class AutoencoderKLTrainer : IDisposable
{
    private readonly AutoencoderKL _model;
    private readonly Device _device;
    private readonly AutoencoderTrainingOptions _options;
    private readonly PictureParts<PictureBatch, Tensor, AutoencoderLosses> _parts;
    private readonly AveragedOptimizer _optimizer;
    private readonly TrainingCheckpoints? _checkpoints;

    /// <param name="model">Stays the caller's.</param>
    /// <param name="device">Where its parameters are.</param>
    /// <param name="options">Losses and pace.</param>
    /// <param name="checkpoints">Where training goes on, and what it writes; null for none.</param>
    public AutoencoderKLTrainer(AutoencoderKL model, Device device, AutoencoderTrainingOptions options, TrainingCheckpoints? checkpoints = null)
    {
        options.Validate();
        (_model, _device, _options, _checkpoints) = (model, device, options, checkpoints);
        _parts = new PictureParts<PictureBatch, Tensor, AutoencoderLosses>(new AutoencoderObjective(model, device, options), options.PicturesAtATime);
        _optimizer = new AveragedOptimizer(Groups(model, options), options);
        PrecisionChoice Resolve() => PrecisionProbe.Resolve(options.Precision, model, device);
        Precision = checkpoints is null ? Resolve() : checkpoints.Begin(_optimizer, Resolve);
        PrecisionProbe.Apply(model, Precision);
    }

    /// <summary>In which element type linear layers and convolutions are computed, and why.</summary>
    public PrecisionChoice Precision { get; }

    /// <summary>Steps done.</summary>
    public long Steps => _optimizer.Steps;

    /// <summary>Trains until the steps, the time or the batches end.</summary>
    /// <param name="batches">Taken one by one, checked, and disposed after their step. They begin where the checkpoints say.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="clock">The clock of <see cref="AutoencoderTrainingOptions.MaximumSeconds"/>; the system's by default.</param>
    /// <param name="cancellationToken">Ends the training; an incomplete step is dropped.</param>
    /// <exception cref="TrainingDivergedException">A loss or gradient is not finite.</exception>
    /// <exception cref="ArgumentException">A batch does not fit the autoencoder.</exception>
    public AutoencoderResult Train(IEnumerable<PictureBatch> batches, Action<AutoencoderProgress>? progress = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        var schedule = new LearningRateSchedule { Kind = _options.Schedule, BaseRate = _options.LearningRate, TotalSteps = 1, Warmup = _options.Warmup };
        var pace = new TrainingPace(schedule, _options.WarmupRatio, _options.Steps, _options.MaximumSeconds, clock ?? TimeProvider.System, _checkpoints?.Elapsed ?? default);
        (TrainingEnd end, AutoencoderLosses? last) = new PictureLoop(_optimizer, pace, _checkpoints).Run(
            batches,
            (PictureBatch batch, StepRows rows) => _parts.Accumulate(batch, rows, cancellationToken),
            (step, losses) => progress?.Invoke(new AutoencoderProgress(step, losses)));
        return new AutoencoderResult(end, _optimizer.Steps, last);
    }

    /// <summary>The mean losses over batches, each of which is disposed, with the present weights and the same draws every time.</summary>
    /// <exception cref="ArgumentException">There are no batches.</exception>
    public AutoencoderLosses Evaluate(IEnumerable<PictureBatch> batches) => _parts.Evaluate(batches);

    /// <summary>1 / the standard deviation of the values of the pictures' latents (their means), around their common mean: what makes them vary by 1.</summary>
    /// <param name="batches">Each is disposed.</param>
    /// <exception cref="ArgumentException">There are no batches.</exception>
    /// <exception cref="InvalidOperationException">All latents are the same.</exception>
    public double MeasureScalingFactor(IEnumerable<PictureBatch> batches)
    {
        using var mode = no_grad();
        double sum = 0, squares = 0;
        long count = 0;
        foreach (PictureBatch batch in batches)
        {
            using PictureBatch owned = batch;
            foreach ((int begin, int rows) in _parts.Of(batch))
            {
                using var scope = NewDisposeScope();
                Tensor values = _model.Encode(batch.Pictures.narrow(0, begin, rows).to(_device) * 2f - 1f).Mean.to(ScalarType.Float64);
                sum += values.sum().item<double>();
                squares += values.square().sum().item<double>();
                count += values.numel();
            }
        }
        if (count == 0) throw new ArgumentException("There are no batches to measure latents on.", nameof(batches));
        double variance = squares / count - sum / count * (sum / count);
        if (variance is > 0 and < double.PositiveInfinity) return 1 / Math.Sqrt(variance);
        throw new InvalidOperationException(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"The {count} values of the latents have the variance {variance}: the autoencoder tells no pictures apart. Lower {nameof(AutoencoderTrainingOptions.DivergenceWeight)} ({_options.DivergenceWeight}), or look at the pictures."));
    }

    /// <summary>Uses the autoencoder with the running average of its weights in the middle of a training; without averaging, just uses it.</summary>
    public void WithAverages(Action use) => _optimizer.WithAverages(use);

    /// <summary>All that a training goes on from beside the weights (with averaging, the weights too): views, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportState() => _optimizer.ExportState();

    /// <summary>Takes over a state that <see cref="ExportState"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state) => _optimizer.ImportState(state);

    public void Dispose() => _optimizer.Dispose();

    /// <summary>Matrices and kernels, which decay, and all else.</summary>
    internal static IEnumerable<ParameterGroup> Groups(AutoencoderKL model, AutoencoderTrainingOptions options)
        => ParameterGroup.Decaying("autoencoder", model.named_parameters(), options.WeightDecay);
}
