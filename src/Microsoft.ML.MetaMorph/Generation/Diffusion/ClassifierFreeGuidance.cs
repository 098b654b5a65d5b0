using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Asks a denoiser with and without the conditioning and goes on from the difference (Ho and Salimans, 2022).</summary>
/// <param name="denoiser">The network.</param>
/// <param name="positive">What the pictures are.</param>
/// <param name="negative">What to lead away from; null: only <paramref name="positive"/> is asked for.</param>
/// <param name="scale">1 is the conditioned prediction itself.</param>
/// <param name="rescale">How much of the added deviation is taken back, from 0 to 1 (Lin et al., 2024, equation 16).</param>
/// <param name="apart">Two calls of half the memory instead of one.</param>
internal sealed class ClassifierFreeGuidance(IDenoiser denoiser, DiffusionConditioning positive, DiffusionConditioning? negative = null, double scale = 1, double rescale = 0, bool apart = false)
{
    private readonly DiffusionConditioning? _both = negative is null || apart ? null : negative.Concat(positive);

    /// <summary>The prediction for <c>[b, …]</c> samples at one timestep.</summary>
    public Tensor Predict(Tensor samples, double timestep)
    {
        using var scope = NewDisposeScope();
        if (negative is null) return Ask(samples, timestep, positive).MoveToOuterDisposeScope();
        Tensor conditioned, unconditioned;
        if (_both is null)
        {
            (unconditioned, conditioned) = (Ask(samples, timestep, negative), Ask(samples, timestep, positive));
        }
        else
        {
            long rows = samples.shape[0];
            Tensor answers = Ask(cat([samples, samples], 0), timestep, _both);
            (unconditioned, conditioned) = (answers.narrow(0, 0, rows), answers.narrow(0, rows, rows));
        }
        return Guided(conditioned, unconditioned, scale, rescale).MoveToOuterDisposeScope();
    }

    /// <summary>u + scale·(c − u), its deviation led back to that of c by <paramref name="rescale"/>.</summary>
    public static Tensor Guided(Tensor conditioned, Tensor unconditioned, double scale, double rescale)
    {
        using var scope = NewDisposeScope();
        Tensor guided = unconditioned.add(conditioned - unconditioned, (float)scale);
        if (rescale == 0) return guided.MoveToOuterDisposeScope();
        Tensor ratio = Deviation(conditioned) / Deviation(guided);
        return (guided * (ratio * (float)rescale + (float)(1 - rescale))).MoveToOuterDisposeScope();
    }

    private Tensor Ask(Tensor samples, double timestep, DiffusionConditioning conditioning)
        => denoiser.Predict(samples, full([samples.shape[0]], (float)timestep, dtype: ScalarType.Float32, device: samples.device), conditioning);

    private static Tensor Deviation(Tensor rows)
    {
        long[] shape = [rows.shape[0], .. Enumerable.Repeat(1L, (int)rows.dim() - 1)];
        Tensor flat = rows.flatten(1), centred = flat - flat.mean([1L], keepdim: true);
        return (centred.square().sum(1) / (float)Math.Max(1, flat.shape[1] - 1)).sqrt().view(shape);
    }
}
