using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A denoiser that can learn.</summary>
internal interface ITrainableDenoiser : IDenoiser
{
    /// <summary>What makes conditioning of visual tokens, with all that it learns for that.</summary>
    nn.Module Adapter { get; }

    /// <summary>The denoising network itself.</summary>
    nn.Module Network { get; }

    /// <summary>Makes and decodes the latents that are denoised; null where there are none.</summary>
    AutoencoderKL? Autoencoder { get; }

    /// <summary>The rows of which step are computed next, for networks that drop activations while they learn; null: none are dropped.</summary>
    DropoutDraws? Dropout { set; }

    /// <summary>
    /// <see cref="IDenoiser.Predict"/> that keeps little for its backward pass and computes the rest once more there.
    /// </summary>
    /// <returns>The prediction, without a graph, and what takes its gradient back; dispose it in either case.</returns>
    IRecomputedPrediction PredictRecomputed(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning);
}

/// <summary>A prediction whose graph is built again, piece by piece, when its gradient is known.</summary>
internal interface IRecomputedPrediction : IDisposable
{
    /// <summary>Of the samples' shape, without a graph.</summary>
    Tensor Prediction { get; }

    /// <summary>Adds to the gradients of the network's parameters and of all that its conditioning was made of.</summary>
    /// <param name="gradient">That of <see cref="Prediction"/>.</param>
    void Backward(Tensor gradient);
}
