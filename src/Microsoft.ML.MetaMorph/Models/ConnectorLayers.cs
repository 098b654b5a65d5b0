using System.Globalization;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Linear layers with exact GELUs between them, under the published names: <c>0</c>, <c>2</c>, <c>4</c>, …, or bare if there is one and it is said to be.</summary>
internal abstract class ConnectorLayers : NamedLayer
{
    private readonly Linear[] _layers;

    /// <param name="name">The name of the class.</param>
    /// <param name="parameters">Where its parameters come from.</param>
    /// <param name="widths">The widths before and after each layer; one width means no layer at all.</param>
    /// <param name="bare">The only layer's parameters stand directly below this module.</param>
    protected ConnectorLayers(string name, ParameterSource parameters, int[] widths, bool bare)
        : base(name)
    {
        _layers = new Linear[widths.Length - 1];
        for (int i = 0; i < _layers.Length; i++)
        {
            string number = (2 * i).ToString(CultureInfo.InvariantCulture);
            _layers[i] = new Linear(bare ? parameters : parameters[number], widths[i], widths[i + 1]);
            if (!bare) register_module(number, _layers[i]);
        }
        if (!bare || _layers.Length == 0) return;
        register_parameter("weight", _layers[0].Weight);
        register_parameter("bias", _layers[0].Bias!);
    }

    /// <summary>The layers in order, for precision and kernels.</summary>
    public IReadOnlyList<Linear> Layers => _layers;

    public override Tensor forward(Tensor input)
    {
        if (_layers.Length == 0) return input.alias();
        using var scope = NewDisposeScope();
        Tensor value = input;
        for (int i = 0; i < _layers.Length; i++) value = i == 0 ? _layers[i].forward(value) : _layers[i].forward(F.gelu(value));
        return value.MoveToOuterDisposeScope();
    }
}
