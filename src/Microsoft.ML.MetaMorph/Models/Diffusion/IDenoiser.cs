using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What sampling and training need of a denoising network, whatever it is made of.</summary>
/// <remarks>A sample is what is noised and denoised: latents of an autoencoder, or rearranged pixels. All tensors lie on <see cref="Device"/>.</remarks>
internal interface IDenoiser
{
    Device Device { get; }

    /// <summary>Channels of a sample.</summary>
    int Channels { get; }

    /// <summary>Height and width of the samples that the network was trained with.</summary>
    (int Height, int Width) SampleSize { get; }

    /// <summary>Height and width of a sample must be multiples of this, 2^(halvings).</summary>
    int SizeMultiple { get; }

    /// <summary>What visual tokens <c>[b, N, D]</c> become before the first step; the same for every step. Differentiable.</summary>
    /// <exception cref="ArgumentException">The tokens have another number or width than the network takes.</exception>
    DiffusionConditioning Condition(Tensor visualTokens);

    /// <summary>The network's answer, of the samples' shape, in float32.</summary>
    /// <param name="samples"><c>[b, channels, height, width]</c>.</param>
    /// <param name="timesteps"><c>[b]</c> float32; not always whole.</param>
    /// <param name="conditioning">Of b rows.</param>
    Tensor Predict(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning);

    /// <summary>An estimate of the bytes that one row takes while <see cref="Predict"/> runs without gradients, weights not counted.</summary>
    long RowBytes(int height, int width);
}
