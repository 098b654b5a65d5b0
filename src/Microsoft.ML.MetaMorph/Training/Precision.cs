namespace Microsoft.ML.MetaMorph;

/// <summary>In which element type linear layers and convolutions are computed.</summary>
/// <remarks>Master weights, norms, softmax, residual streams and losses are float32 in every case.</remarks>
public enum Precision
{
    /// <summary>Measured once per process, device and width of layers: bfloat16 where a layer is at least one and a half times as fast in it, float32 elsewhere. The choice is logged and stored with the model.</summary>
    Auto,

    /// <summary>Everything in float32: the same figures on every processor, up to rounding.</summary>
    Float32,

    /// <summary>Linear layers and convolutions in bfloat16. On processors without bfloat16 instructions this is many times slower.</summary>
    BFloat16,
}
