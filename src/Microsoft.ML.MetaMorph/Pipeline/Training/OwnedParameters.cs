using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Parameters in memory of their own, so that the file they come from can be replaced while they train.</summary>
internal sealed class OwnedParameters(ParameterSource inner) : ParameterSource
{
    public override Device Device => inner.Device;

    public override string Prefix => inner.Prefix;

    public override bool Has(string name) => inner.Has(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        using var mode = no_grad();
        using Parameter stored = inner.Get(name, shape, initialization);
        using Tensor plain = stored.detach();
        return new Parameter(plain.clone().DetachFromDisposeScope(), stored.requires_grad);
    }
}
