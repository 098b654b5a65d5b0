using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What an autoencoder learns from: a picture is encoded, a latent is drawn from its distribution and decoded; squared and absolute error of the
/// values from −1 to 1, and the divergence of the distribution from the standard normal one (arXiv 1312.6114), in float32.
/// </summary>
/// <remarks>
/// A picture's errors are means over its values, weighted by foreground if asked for; its divergence is the sum over its latent, as published;
/// a batch's loss is the mean over its pictures.
/// </remarks>
internal sealed class AutoencoderObjective(AutoencoderKL model, Device device, AutoencoderTrainingOptions options) : IPictureObjective<PictureBatch, Tensor, AutoencoderLosses>
{
    public IEnumerable<(string Name, Parameter Parameter)> Weights => model.named_parameters();

    public void Check(PictureBatch batch) => batch.Check(model.Config);

    /// <summary>The noise of a step, on the CPU: the same for a seed and a step on every device and after a resumption.</summary>
    public Tensor Draw(PictureBatch batch, long step)
    {
        AutoencoderKLConfig config = model.Config;
        using Generator generator = DiffusionDraws.GeneratorOf(options.Seed, step);
        long[] shape = [batch.Count, config.LatentChannels, batch.Pictures.shape[2] / config.Downscale, batch.Pictures.shape[3] / config.Downscale];
        return randn(shape, dtype: ScalarType.Float32, device: CPU, generator: generator);
    }

    /// <summary>The summed losses of some pictures, adding to all gradients those of the sum divided by <paramref name="total"/>.</summary>
    /// <param name="pictures"><c>[b, 3, H, W]</c> in 0 … 1.</param>
    /// <param name="noise">Of these pictures.</param>
    /// <param name="total">Pictures of the whole step.</param>
    public AutoencoderLosses Accumulate(Tensor pictures, Tensor noise, long total)
    {
        using var scope = NewDisposeScope();
        (Tensor sum, AutoencoderLosses losses) = Sum(pictures, noise);
        if (double.IsFinite(losses.Total)) (sum / (float)total).backward();
        return losses;
    }

    public AutoencoderLosses Accumulate(PictureBatch batch, Tensor draws, int begin, int count)
        => Accumulate(batch.Pictures.narrow(0, begin, count), draws.narrow(0, begin, count), batch.Count);

    public AutoencoderLosses Evaluate(PictureBatch batch, Tensor draws, int begin, int count)
        => Evaluate(batch.Pictures.narrow(0, begin, count), draws.narrow(0, begin, count));

    public double Total(AutoencoderLosses loss) => loss.Total;

    /// <summary>The summed losses of some pictures.</summary>
    public AutoencoderLosses Evaluate(Tensor pictures, Tensor noise)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return Sum(pictures, noise).Losses;
    }

    private (Tensor Sum, AutoencoderLosses Losses) Sum(Tensor pictures, Tensor noise)
    {
        Tensor pixels = pictures.to(device) * 2f - 1f;
        LatentDistribution latents = model.Encode(pixels);
        Tensor error = model.Decode(latents.Sample(noise)) - pixels;
        Tensor? places = options.ForegroundWeight > 1 ? ForegroundMask.Of(pictures.to(device), 1) * (float)(options.ForegroundWeight - 1) + 1f : null;
        Tensor squared = OfPicture(error.square(), places).sum(), absolute = OfPicture(error.abs(), places).sum(), divergence = latents.Divergence().sum();
        Tensor sum = squared * (float)options.SquaredErrorWeight + absolute * (float)options.AbsoluteErrorWeight + divergence * (float)options.DivergenceWeight;
        float[] values = stack([sum, squared, absolute, divergence], 0).detach().cpu().data<float>().ToArray();
        return (sum, new AutoencoderLosses(values[0], values[1], values[2], values[3]));
    }

    /// <summary>The mean of each picture's errors, <c>[b]</c>.</summary>
    private static Tensor OfPicture(Tensor errors, Tensor? places)
        => places is null ? errors.flatten(1).mean([1L]) : (errors.mean([1L], keepdim: true) * places).flatten(1).sum(1) / places.flatten(1).sum(1);
}
