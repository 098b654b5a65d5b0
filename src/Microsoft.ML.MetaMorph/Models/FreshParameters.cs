using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Random parameters. Values are drawn on the CPU from one generator, so a seed gives the same model on every device.</summary>
internal sealed class FreshParameters(Device device, Generator generator, ScalarType elementType = ScalarType.Float32) : ParameterSource
{
    public override Device Device => device;

    public override bool Has(string name) => true;

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        using var scope = NewDisposeScope();
        Tensor values = initialization.Kind switch
        {
            InitializationKind.Constant => full(shape, initialization.Scale, dtype: ScalarType.Float32, device: CPU),
            InitializationKind.Normal => randn(shape, dtype: ScalarType.Float32, device: CPU, generator: generator) * initialization.Scale,
            InitializationKind.Uniform => (rand(shape, dtype: ScalarType.Float32, device: CPU, generator: generator) * 2 - 1) * initialization.Scale,
            _ => throw new ArgumentOutOfRangeException(nameof(initialization), initialization.Kind, "Unknown kind of initialization."),
        };
        return new Parameter(values.to(elementType, device).DetachFromDisposeScope(), requires_grad: true);
    }
}
