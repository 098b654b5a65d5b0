using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Names and shapes without memory: a published model of any size can be constructed and listed.</summary>
internal sealed class MetaParameters(ScalarType elementType = ScalarType.Float32) : ParameterSource
{
    public override Device Device => torch.META;

    public override bool Has(string name) => true;

    public override Parameter Get(string name, long[] shape, Initialization initialization)
        => new(empty(shape, dtype: elementType, device: torch.META).DetachFromDisposeScope(), requires_grad: false);
}
