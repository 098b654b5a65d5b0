using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Parameters of one source or another, by their names.</summary>
/// <param name="isFirst">Whether a parameter comes from <paramref name="first"/>.</param>
/// <param name="first">A source.</param>
/// <param name="second">Another one.</param>
internal sealed class PartedParameters(Func<string, bool> isFirst, ParameterSource first, ParameterSource second) : ParameterSource
{
    public override Device Device => second.Device;

    public override bool Has(string name) => Of(name).Has(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization) => Of(name).Get(name, shape, initialization);

    private ParameterSource Of(string name) => isFirst(name) ? first : second;
}
