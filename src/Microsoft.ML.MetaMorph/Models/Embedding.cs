using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A table of vectors looked up by number; rows come out in float32 whatever the table is stored in.</summary>
internal sealed class Embedding : NamedLayer
{
    public Embedding(ParameterSource parameters, long count, long width, Initialization? initialization = null)
        : base(nameof(Embedding))
    {
        Weight = parameters.Get("weight", [count, width], initialization ?? Initialization.Normal(0.02));
        register_parameter("weight", Weight);
    }

    public Parameter Weight { get; }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor rows = Weight.index_select(0, input.flatten()).to(ScalarType.Float32);
        return rows.view([.. input.shape, Weight.shape[1]]).MoveToOuterDisposeScope();
    }
}
