using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A denoiser that can learn.</summary>
internal interface ITrainableDenoiser : IDenoiser
{
    /// <summary>What makes conditioning of visual tokens, with all that it learns for that.</summary>
    nn.Module Adapter { get; }

    /// <summary>The denoising network itself.</summary>
    nn.Module Network { get; }
}
