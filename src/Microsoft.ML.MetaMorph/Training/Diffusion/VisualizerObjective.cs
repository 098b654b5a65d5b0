using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What a visualizer learns from: the squared error of what it says about a noisy sample (its noise, its velocity or itself, by the schedule's
/// prediction type), in float32, with each row's conditioning dropped or not.
/// </summary>
/// <remarks>A row's error is the mean over its values, weighted by foreground if asked for; a batch's is the mean over its rows.</remarks>
internal sealed class VisualizerObjective(IDenoiser denoiser, IPictureCodec codec, SchedulerConfig scheduler, VisualizerTrainingOptions options)
{
    private readonly NoiseSchedule _noise = new(scheduler);

    /// <summary>Samples of pictures in 0 … 1, without gradients.</summary>
    public Tensor Encode(Tensor pictures)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return codec.Encode(pictures.to(denoiser.Device) * 2f - 1f).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>The draws of a step.</summary>
    public DiffusionDraws Draw(VisualizerBatch batch, long step)
    {
        long[] shape = [batch.Count, denoiser.Channels, batch.Pictures.shape[2] / codec.Scale, batch.Pictures.shape[3] / codec.Scale];
        return DiffusionDraws.Create(options.Seed, step, shape, _noise.Steps, options.NoiseOffset, options.ConditioningDropout);
    }

    /// <summary>The summed losses of some rows, adding to all gradients those of the sum divided by <paramref name="total"/>.</summary>
    /// <param name="pictures"><c>[b, 3, H, W]</c> in 0 … 1.</param>
    /// <param name="visualTokens"><c>[b, N, D]</c>.</param>
    /// <param name="draws">Of these rows.</param>
    /// <param name="total">Rows of the whole step.</param>
    public double Accumulate(Tensor pictures, Tensor visualTokens, DiffusionDraws draws, long total)
    {
        using var scope = NewDisposeScope();
        Tensor sum = Losses(pictures, visualTokens, draws).sum();
        double value = sum.item<float>();
        if (double.IsFinite(value)) (sum / (float)total).backward();
        return value;
    }

    /// <summary>The losses of rows <c>[b]</c>.</summary>
    public Tensor Losses(Tensor pictures, Tensor visualTokens, DiffusionDraws draws)
    {
        using var scope = NewDisposeScope();
        Tensor samples = Encode(pictures), noise = draws.Noise.to(denoiser.Device);
        Tensor noisy = _noise.AddNoise(samples, noise, draws.Timesteps);
        DiffusionConditioning conditioning = denoiser.Condition(visualTokens.to(denoiser.Device)).Masked(draws.Kept.to(denoiser.Device));
        Tensor times = tensor(draws.Timesteps.Select(t => (float)t).ToArray(), device: denoiser.Device);
        Tensor error = (denoiser.Predict(noisy, times, conditioning).to(ScalarType.Float32) - Target(samples, noise, draws.Timesteps)).square();
        Tensor losses = options.ForegroundWeight > 1 ? Weighted(error, pictures) : error.flatten(1).mean([1L]);
        if (options.MinimumSnrGamma is { } gamma) losses = losses * tensor(draws.Timesteps.Select(t => (float)SnrWeight(_noise.SignalToNoise(t), gamma)).ToArray(), device: denoiser.Device);
        return losses.MoveToOuterDisposeScope();
    }

    /// <summary>min(SNR, γ) in units of the sample's error, divided by what turns that into the prediction's.</summary>
    public double SnrWeight(double signalToNoise, double gamma) => scheduler.Prediction switch
    {
        PredictionType.Epsilon => Math.Min(1, gamma / signalToNoise),
        PredictionType.Velocity => Math.Min(signalToNoise, gamma) / (signalToNoise + 1),
        PredictionType.Sample => Math.Min(signalToNoise, gamma),
        _ => throw new InvalidOperationException($"Unknown prediction {scheduler.Prediction}."),
    };

    private Tensor Target(Tensor samples, Tensor noise, int[] timesteps) => scheduler.Prediction switch
    {
        PredictionType.Epsilon => noise,
        PredictionType.Velocity => _noise.Velocity(samples, noise, timesteps),
        PredictionType.Sample => samples,
        _ => throw new InvalidOperationException($"Unknown prediction {scheduler.Prediction}."),
    };

    private Tensor Weighted(Tensor error, Tensor pictures)
    {
        Tensor weights = ForegroundMask.Of(pictures.to(denoiser.Device), codec.Scale) * (float)(options.ForegroundWeight - 1) + 1f;
        return (error.mean([1L], keepdim: true) * weights).flatten(1).sum(1) / weights.flatten(1).sum(1);
    }
}
