using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A layer whose product can be computed in another element type than its float32 input and output.</summary>
internal interface IComputeTyped
{
    /// <summary>Float32 or bfloat16.</summary>
    ScalarType ComputeType { get; set; }

    /// <summary>The weight of the product.</summary>
    ProductWeight ProductWeight { get; }
}
