using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A language model's stored parameters, with a fresh projector and a fresh vision head where the files have none. Everything else
/// must be stored: a model with a forgotten shard is an error, not half a random model.
/// </summary>
internal sealed class ConnectorParameters(ParameterSource stored, ParameterSource fresh) : ParameterSource
{
    private static readonly string[] Connectors = ["model.mm_projector.", "vision_head."];

    public override Device Device => stored.Device;

    public override bool Has(string name) => stored.Has(name) || IsConnector(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
        => (IsConnector(name) && !stored.Has(name) ? fresh : stored).Get(name, shape, initialization);

    private static bool IsConnector(string name) => Connectors.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
}
