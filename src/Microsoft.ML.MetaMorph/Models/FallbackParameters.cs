using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Parameters of one source where it has them, of another where it has not: a published model with new parts added.</summary>
internal sealed class FallbackParameters(ParameterSource first, ParameterSource second) : ParameterSource
{
    public override Device Device => first.Device;

    public override bool Has(string name) => first.Has(name) || second.Has(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization) => (first.Has(name) ? first : second).Get(name, shape, initialization);
}
