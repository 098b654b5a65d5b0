namespace Microsoft.ML.MetaMorph;

/// <summary>What computes the steps of generation after the prompt.</summary>
public enum DecodingEngine
{
    /// <summary>The vectorized engine where the model allows it (CPU, parameters in float32, bfloat16 or float16), TorchSharp otherwise. The choice is logged.</summary>
    Auto,

    /// <summary>TorchSharp, on any device.</summary>
    Torch,

    /// <summary>The library's own CPU engine, which reads the weights in the element type they are stored in; an error where the model does not allow it.</summary>
    Vectorized,
}
