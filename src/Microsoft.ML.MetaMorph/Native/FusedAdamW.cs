using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary><c>aten::_fused_adamw_</c>: one pass over parameters, gradients and both moments.</summary>
internal static class FusedAdamW
{
    public static bool IsAvailable => AtenDispatcher.IsAvailable;

    /// <summary>One step of AdamW in place.</summary>
    /// <param name="parameters">The parameters; changed.</param>
    /// <param name="gradients">Their gradients, of the same shape.</param>
    /// <param name="average">First moments; changed.</param>
    /// <param name="squareAverage">Second moments; changed.</param>
    /// <param name="step">The number of this step, from 1, as a float32 scalar on the same device.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="weightDecay">Decoupled decay.</param>
    public static void Step(Tensor parameters, Tensor gradients, Tensor average, Tensor squareAverage, Tensor step, double rate, AdamWSettings settings, double weightDecay)
    {
        Span<ulong> stack =
        [
            AtenDispatcher.List([parameters]), AtenDispatcher.List([gradients]), AtenDispatcher.List([average]), AtenDispatcher.List([squareAverage]),
            AtenDispatcher.List(Array.Empty<Tensor>()), AtenDispatcher.List([step]),
            AtenDispatcher.Bits(rate), AtenDispatcher.Bits(settings.Beta1), AtenDispatcher.Bits(settings.Beta2), AtenDispatcher.Bits(weightDecay), AtenDispatcher.Bits(settings.Epsilon),
            AtenDispatcher.Flag(false), AtenDispatcher.Flag(false), AtenDispatcher.None, AtenDispatcher.None,      // amsgrad, maximize, grad_scale, found_inf
        ];
        AtenDispatcher.Call("aten::_fused_adamw_\0"u8, "\0"u8, stack);
    }
}

/// <summary>The constants of AdamW; the defaults are PyTorch's and the paper's.</summary>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the corrected second moment.</param>
internal sealed record AdamWSettings(double Beta1 = 0.9, double Beta2 = 0.999, double Epsilon = 1e-8);
