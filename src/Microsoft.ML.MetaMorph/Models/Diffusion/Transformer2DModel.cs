using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Transformer blocks over the pixels of a picture (<c>attentions.N</c>).</summary>
internal sealed class Transformer2DModel : NamedModule
{
    private const double NormEpsilon = 1e-6;

    private readonly GroupNorm _norm;
    private readonly PixelProjection _input, _output;
    private readonly ModuleList<BasicTransformerBlock> _blocks;

    /// <param name="config">Groups, context width and kinds of projection.</param>
    /// <param name="channels">The channels of the picture.</param>
    /// <param name="heads">The number of attention heads.</param>
    /// <param name="layers">The number of transformer blocks.</param>
    /// <param name="onlyCrossAttention">Also the first attention of a block looks at the condition.</param>
    /// <param name="parameters">Where the parameters come from.</param>
    public Transformer2DModel(UNet2DConditionConfig config, long channels, long heads, int layers, bool onlyCrossAttention, ParameterSource parameters)
        : base(nameof(Transformer2DModel))
    {
        _norm = new GroupNorm(parameters["norm"], config.NormGroups, channels, NormEpsilon);
        _input = new PixelProjection(channels, config.UseLinearProjection, parameters["proj_in"]);
        ParameterSource blocks = parameters["transformer_blocks"];
        _blocks = new ModuleList<BasicTransformerBlock>(Enumerable.Range(0, layers).Select(i => new BasicTransformerBlock(channels, heads, config.CrossAttentionWidth, onlyCrossAttention, blocks[i])));
        _output = new PixelProjection(channels, config.UseLinearProjection, parameters["proj_out"]);
        register_module("norm", _norm);
        register_module("proj_in", _input);
        register_module("transformer_blocks", _blocks);
        register_module("proj_out", _output);
    }

    /// <summary><c>[b, c, h, w]</c> → <c>[b, c, h, w]</c>.</summary>
    /// <param name="picture">Stays the caller's.</param>
    /// <param name="context">The condition, <c>[b, m, contextWidth]</c>.</param>
    public Tensor Forward(Tensor picture, Tensor context)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = _norm.forward(picture).Then(ChannelsLast.Pixels).Then(_input.forward);
        foreach (BasicTransformerBlock block in _blocks) pixels = block.Forward(pixels, context);
        return pixels.Then(_output.forward).Then(p => ChannelsLast.Picture(p, picture.size(2), picture.size(3))).Then(p => p.Plus(picture)).MoveToOuterDisposeScope();
    }

    /// <summary>A linear layer on every pixel, published as a matrix or as a convolution of one pixel.</summary>
    private sealed class PixelProjection : NamedLayer, IComputeTyped
    {
        private readonly Parameter _bias;
        private readonly long _width;

        public PixelProjection(long width, bool isMatrix, ParameterSource parameters)
            : base(nameof(PixelProjection))
        {
            _width = width;
            Initialization uniform = Initialization.Uniform(1 / Math.Sqrt(width));
            Parameter weight = parameters.Get("weight", isMatrix ? [width, width] : [width, width, 1, 1], uniform);
            _bias = parameters.Get("bias", [width], uniform);
            ProductWeight = new ProductWeight(weight);
            register_parameter("weight", weight);
            register_parameter("bias", _bias);
        }

        public ScalarType ComputeType { get; set; } = ScalarType.Float32;

        public ProductWeight ProductWeight { get; }

        public override Tensor forward(Tensor pixels)
        {
            using var scope = NewDisposeScope();
            return Linear.Product(pixels, ProductWeight.In(ComputeType).view(_width, _width), _bias, ComputeType).MoveToOuterDisposeScope();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) ProductWeight.Dispose();
            base.Dispose(disposing);
        }
    }
}
