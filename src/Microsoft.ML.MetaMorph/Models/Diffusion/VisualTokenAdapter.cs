using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual tokens → the condition of a UNet, in the three published modes (arXiv 2412.14164): a stack of Linear, LayerNorm and ReLU
/// (<c>mlp</c>), or learned queries that look at the tokens (<c>xattn</c>, <c>xattnffn</c>). Parameters carry the published names.
/// </summary>
/// <remarks>
/// Ours, for UNets trained from nothing: learned positions (<c>token_positions</c>) and the grid of conditioning vectors as a picture
/// (<c>grid_proj</c>), because cross-attention alone is slow to learn where things are.
/// </remarks>
internal sealed class VisualTokenAdapter : NamedModule
{
    private const double NormEpsilon = 1e-5;

    private readonly Linear[] _layers = [];
    private readonly LayerNorm[] _norms = [];
    private readonly Parameter? _queries, _positions;
    private readonly Linear? _projection, _grid;
    private readonly LayerNorm? _inputNorm;
    private readonly VisualTokenCrossAttention[] _blocks = [];

    public VisualTokenAdapter(VisualTokenAdapterConfig config, ParameterSource parameters)
        : base(nameof(VisualTokenAdapter))
    {
        config.Validate();
        Config = config;
        if (config.Mode == VisualTokenAdapterConfig.Mlp)
        {
            int[] widths = [config.InputWidth, .. Enumerable.Repeat(config.HiddenWidth, config.Layers - 1), config.OutputWidth];
            _layers = [.. Enumerable.Range(0, config.Layers).Select(i => new Linear(parameters["layers"][i], widths[i], widths[i + 1]))];
            _norms = [.. Enumerable.Range(0, config.Layers).Select(i => new LayerNorm(parameters["norms"][i], widths[i + 1], NormEpsilon))];
            register_module("layers", new ModuleList<Linear>(_layers));
            register_module("norms", new ModuleList<LayerNorm>(_norms));
        }
        else
        {
            _queries = parameters.Get("token_embeddings", [1, config.TokenCount, config.OutputWidth], Initialization.Normal(1));
            _projection = new Linear(parameters["proj"], config.InputWidth, config.OutputWidth);
            _inputNorm = new LayerNorm(parameters["input_norm"], config.OutputWidth, NormEpsilon);
            _blocks = [.. Enumerable.Range(0, config.Layers).Select(i => new VisualTokenCrossAttention(config, parameters["cross_attn_layers"][i]))];
            register_parameter("token_embeddings", _queries);
            register_module("proj", _projection);
            register_module("input_norm", _inputNorm);
            register_module("cross_attn_layers", new ModuleList<VisualTokenCrossAttention>(_blocks));
        }
        if (config.TokenPositions)
        {
            _positions = parameters.Get("token_positions", [1, config.TokenCount, config.OutputWidth], Initialization.Normal(0.02));
            register_parameter("token_positions", _positions);
        }
        if (config.GridChannels == 0) return;
        _grid = new Linear(parameters["grid_proj"], config.OutputWidth, config.GridChannels * config.GridScale * config.GridScale);
        register_module("grid_proj", _grid);
    }

    public VisualTokenAdapterConfig Config { get; }

    /// <summary>Visual tokens <c>[b, n, D]</c> → conditioning vectors <c>[b, m, width]</c>, float32; m is n in mode <c>mlp</c>, the number of queries otherwise.</summary>
    /// <exception cref="ArgumentException">The tokens have another width or number; the message names both.</exception>
    public Tensor Forward(Tensor tokens)
    {
        Check(tokens);
        using var scope = NewDisposeScope();
        Tensor input = tokens.to(ScalarType.Float32);
        Tensor vectors = _queries is null ? Stack(input) : Attend(input);
        if (_positions is not null) vectors = vectors + _positions;
        return vectors.MoveToOuterDisposeScope();
    }

    /// <summary>The whole condition: vectors followed by zeros up to <see cref="VisualTokenAdapterConfig.ConditionLength"/>, and the grid if there is one.</summary>
    /// <exception cref="ArgumentException">The tokens have another width or number; the message names both.</exception>
    public DiffusionConditioning Condition(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        Tensor vectors = Forward(tokens);
        Tensor? grid = Grid(vectors);
        long missing = Config.ConditionLength - vectors.size(1);
        if (missing > 0) vectors = F.pad(vectors, [0, 0, 0, missing]);
        return new DiffusionConditioning(vectors, grid).MoveToOuterDisposeScope();
    }

    /// <summary>Conditioning vectors <c>[b, s·s, width]</c> → the picture <c>[b, grid_channels, s·grid_scale, s·grid_scale]</c>; null without <c>grid_channels</c>.</summary>
    private Tensor? Grid(Tensor vectors)
    {
        if (_grid is null) return null;
        Tensor grid = ChannelsLast.Picture(_grid.forward(vectors), Config.GridSide, Config.GridSide);
        return Config.GridScale == 1 ? grid : F.pixel_shuffle(grid, Config.GridScale);
    }

    private Tensor Stack(Tensor input)
    {
        // Between its layers a value stays in the type of their products: what comes next would convert it again.
        Tensor value = input;
        for (int i = 0; i < _layers.Length - 1; i++) value = _layers[i].Compute(value).Then(_norms[i].forward).relu_();
        return _norms[^1].forward(_layers[^1].Compute(value).to(ScalarType.Float32));
    }

    private Tensor Attend(Tensor input)
    {
        Tensor source = _inputNorm!.forward(_projection!.forward(input));
        Tensor queries = _queries!;
        foreach (VisualTokenCrossAttention block in _blocks) queries = block.Forward(queries, source);
        return queries;
    }

    private void Check(Tensor tokens)
    {
        if (tokens.dim() != 3 || tokens.size(2) != Config.InputWidth)
            throw new ArgumentException($"The visualizer takes visual tokens of width {Config.InputWidth} (input_dim), [pictures, {Config.ExactTokens?.ToString(CultureInfo.InvariantCulture) ?? "count"}, {Config.InputWidth}]; {ChannelsLast.Shape(tokens)} was given. They come from another vision encoder.", nameof(tokens));
        if (!Config.Takes(tokens.size(1)))
            throw new ArgumentException($"The visualizer takes {Config.TokensInWords} visual tokens a picture (num_tokens); {ChannelsLast.Shape(tokens)} was given. Encode pictures to that number; the adapter of another number tells it in its configuration.", nameof(tokens));
    }
}
