using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What a visualizer learns from: the squared error of what it says about a noisy sample (its noise, its velocity or itself, by the schedule's
/// prediction type), in float32, with each row's conditioning dropped or not.
/// </summary>
/// <remarks>
/// A row's error is the mean over its values, weighted by foreground if asked for; a batch's is the mean over its rows. Where the autoencoder learns
/// too, its own loss of the same pictures is added; neither error leads into the other's weights.
/// </remarks>
internal sealed class VisualizerObjective(IDenoiser denoiser, IPictureCodec codec, SchedulerConfig scheduler, VisualizerTrainingOptions options)
    : IPictureObjective<VisualizerBatch, DiffusionDraws, double>
{
    // Another seed than the visualizer's: the same noise would go into the samples and into the decoded latents.
    private const int AutoencoderSeed = 0x2545F491;

    private readonly NoiseSchedule _noise = new(scheduler);

    private readonly AutoencoderObjective? _autoencoder = options.Parts == VisualizerParts.All && denoiser is ITrainableDenoiser { Autoencoder: { } autoencoder }
        ? new AutoencoderObjective(autoencoder, denoiser.Device, new AutoencoderTrainingOptions { Seed = options.Seed ^ AutoencoderSeed, ForegroundWeight = options.ForegroundWeight })
        : null;

    // The autoencoder, too, is a part of a visualizer.
    public IEnumerable<(string Name, Parameter Parameter)> Weights => denoiser is nn.Module module ? module.named_parameters() : [];

    public void Check(VisualizerBatch batch) => batch.Check(denoiser, codec);

    /// <summary>The draws of a step.</summary>
    public DiffusionDraws Draw(VisualizerBatch batch, long step)
    {
        long[] shape = [batch.Count, denoiser.Channels, batch.Pictures.shape[2] / codec.Scale, batch.Pictures.shape[3] / codec.Scale];
        DiffusionDraws draws = DiffusionDraws.Create(options.Seed, step, shape, _noise.Steps, options.NoiseOffset, options.ConditioningDropout);
        return _autoencoder is null ? draws : draws with { LatentNoise = _autoencoder.Draw(new PictureBatch(batch.Pictures), step) };
    }

    /// <summary>The summed losses of some rows, adding to all gradients those of the sum divided by <paramref name="total"/>.</summary>
    /// <param name="pictures"><c>[b, 3, H, W]</c> in 0 … 1.</param>
    /// <param name="visualTokens"><c>[b, N, D]</c>.</param>
    /// <param name="draws">Of these rows.</param>
    /// <param name="total">Rows of the whole step.</param>
    public double Accumulate(Tensor pictures, Tensor visualTokens, DiffusionDraws draws, long total)
    {
        if (denoiser is not ITrainableDenoiser learning) return Learn(pictures, visualTokens, draws, total);
        // Only while it learns: evaluations and drawings in between drop nothing.
        learning.Dropout = draws.Dropout;
        try
        {
            return Learn(pictures, visualTokens, draws, total) + (_autoencoder?.Accumulate(pictures, draws.LatentNoise!, total).Total ?? 0);
        }
        finally
        {
            learning.Dropout = null;
        }
    }

    private double Learn(Tensor pictures, Tensor visualTokens, DiffusionDraws draws, long total)
    {
        using var scope = NewDisposeScope();
        Question asked = Ask(pictures, visualTokens, draws);
        if (!options.ActivationCheckpointing) return Backward(Losses(asked, denoiser.Predict(asked.Noisy, asked.Times, asked.Conditioning)), total);
        if (denoiser is not ITrainableDenoiser trainable) throw new InvalidOperationException($"{denoiser.GetType().Name} cannot be computed again on the way back.");
        using IRecomputedPrediction pass = trainable.PredictRecomputed(asked.Noisy, asked.Times, asked.Conditioning);
        Tensor leaf = pass.Prediction.detach().requires_grad_(true);
        double value = Backward(Losses(asked, leaf), total);
        if (double.IsFinite(value)) pass.Backward(leaf.grad!);
        return value;
    }

    public double Accumulate(VisualizerBatch batch, DiffusionDraws draws, int begin, int count)
        => Accumulate(batch.Pictures.narrow(0, begin, count), batch.VisualTokens.narrow(0, begin, count), draws.Slice(begin, count), batch.Count);

    public double Evaluate(VisualizerBatch batch, DiffusionDraws draws, int begin, int count)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor pictures = batch.Pictures.narrow(0, begin, count);
        DiffusionDraws part = draws.Slice(begin, count);
        return Losses(pictures, batch.VisualTokens.narrow(0, begin, count), part).sum().item<float>() + (_autoencoder?.Evaluate(pictures, part.LatentNoise!).Total ?? 0);
    }

    public double Total(double loss) => loss;

    /// <summary>The losses of rows <c>[b]</c>.</summary>
    public Tensor Losses(Tensor pictures, Tensor visualTokens, DiffusionDraws draws)
    {
        using var scope = NewDisposeScope();
        Question asked = Ask(pictures, visualTokens, draws);
        return Losses(asked, denoiser.Predict(asked.Noisy, asked.Times, asked.Conditioning)).MoveToOuterDisposeScope();
    }

    /// <summary>min(SNR, γ) in units of the sample's error, divided by what turns that into the prediction's.</summary>
    public double SnrWeight(double signalToNoise, double gamma) => scheduler.Prediction switch
    {
        DiffusionPrediction.Epsilon => Math.Min(1, gamma / signalToNoise),
        DiffusionPrediction.Velocity => Math.Min(signalToNoise, gamma) / (signalToNoise + 1),
        DiffusionPrediction.Sample => Math.Min(signalToNoise, gamma),
        _ => throw new InvalidOperationException($"Unknown prediction {scheduler.Prediction}."),
    };

    private static double Backward(Tensor losses, long total)
    {
        Tensor sum = losses.sum();
        double value = sum.item<float>();
        if (double.IsFinite(value)) (sum / (float)total).backward();
        return value;
    }

    private Question Ask(Tensor pictures, Tensor visualTokens, DiffusionDraws draws)
    {
        Tensor samples = Encode(pictures), noise = draws.Noise.to(denoiser.Device);
        return new Question(
            _noise.AddNoise(samples, noise, draws.Timesteps),
            tensor(draws.Timesteps.Select(t => (float)t).ToArray(), device: denoiser.Device),
            denoiser.Condition(visualTokens.to(denoiser.Device)).Masked(draws.Kept.to(denoiser.Device)),
            Target(samples, noise, draws.Timesteps),
            options.ForegroundWeight > 1 ? ForegroundMask.Of(pictures.to(denoiser.Device), codec.Scale) * (float)(options.ForegroundWeight - 1) + 1f : null,
            options.MinimumSnrGamma is { } gamma ? tensor(draws.Timesteps.Select(t => (float)SnrWeight(_noise.SignalToNoise(t), gamma)).ToArray(), device: denoiser.Device) : null);
    }

    /// <summary>The error of what is denoised trains no autoencoder: no graph leads into it.</summary>
    private Tensor Encode(Tensor pictures)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return codec.Encode(pictures.to(denoiser.Device) * 2f - 1f).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private Tensor Target(Tensor samples, Tensor noise, int[] timesteps) => scheduler.Prediction switch
    {
        DiffusionPrediction.Epsilon => noise,
        DiffusionPrediction.Velocity => _noise.Velocity(samples, noise, timesteps),
        DiffusionPrediction.Sample => samples,
        _ => throw new InvalidOperationException($"Unknown prediction {scheduler.Prediction}."),
    };

    private static Tensor Losses(Question asked, Tensor prediction)
    {
        Tensor error = (prediction.to(ScalarType.Float32) - asked.Target).square();
        Tensor losses = asked.PlaceWeights is { } weights
            ? (error.mean([1L], keepdim: true) * weights).flatten(1).sum(1) / weights.flatten(1).sum(1)
            : error.flatten(1).mean([1L]);
        return asked.RowWeights is null ? losses : losses * asked.RowWeights;
    }

    /// <param name="Noisy">What the denoiser sees.</param>
    /// <param name="Times">How noisy, <c>[b]</c>.</param>
    /// <param name="Conditioning">What it is told.</param>
    /// <param name="Target">What it should say.</param>
    /// <param name="PlaceWeights">Of places in a sample, <c>[b, 1, h, w]</c>; null: all alike.</param>
    /// <param name="RowWeights">Of rows, <c>[b]</c>; null: all alike.</param>
    private sealed record Question(Tensor Noisy, Tensor Times, DiffusionConditioning Conditioning, Tensor Target, Tensor? PlaceWeights, Tensor? RowWeights);
}
