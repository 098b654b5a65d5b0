using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the encoder of an <see cref="AutoencoderKL"/> says of a picture: independent normal distributions, <c>[b, c, h, w]</c>, not yet scaled.</summary>
/// <param name="Mean">The mean, which is also the mode.</param>
/// <param name="LogVariance">The logarithm of the variance, within −30 and 20.</param>
internal sealed record LatentDistribution(Tensor Mean, Tensor LogVariance) : IDisposable
{
    private const double Least = -30, Most = 20;

    /// <summary>Takes the encoder's output apart.</summary>
    public static LatentDistribution FromMoments(Tensor moments)
    {
        using var scope = NewDisposeScope();
        Tensor[] parts = moments.chunk(2, 1);
        return new LatentDistribution(parts[0].MoveToOuterDisposeScope(), parts[1].clamp(Least, Most).MoveToOuterDisposeScope());
    }

    /// <summary>One draw.</summary>
    /// <param name="noise">Standard normal noise of the shape of <see cref="Mean"/>; the caller draws it, on the CPU, so that a seed gives the same on every device.</param>
    public Tensor Sample(Tensor noise)
    {
        using var scope = NewDisposeScope();
        return (Mean + (LogVariance * 0.5).exp() * noise.to(Mean.device)).MoveToOuterDisposeScope();
    }

    /// <summary>The Kullback-Leibler divergence from the standard normal distribution, summed over a picture's latent, <c>[b]</c>.</summary>
    public Tensor Divergence()
    {
        using var scope = NewDisposeScope();
        return ((Mean.square() + LogVariance.exp() - 1 - LogVariance).sum([1, 2, 3]) * 0.5).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Mean.Dispose();
        LogVariance.Dispose();
    }
}
