using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A timestep as sines and cosines of falling frequencies, then two linear layers (<c>time_embedding</c>).</summary>
internal sealed class TimestepEmbedding : NamedModule
{
    private const double LongestPeriod = 10_000;

    private readonly UNet2DConditionConfig _config;
    private readonly Linear _first, _second;
    private readonly HiddenActivation _activation;
    private readonly HiddenActivation? _last;

    public TimestepEmbedding(UNet2DConditionConfig config, ParameterSource parameters)
        : base(nameof(TimestepEmbedding))
    {
        _config = config;
        _activation = HiddenActivation.Named(config.Activation);
        _last = config.TimestepPostActivation is { } last ? HiddenActivation.Named(last) : null;
        _first = new Linear(parameters["linear_1"], config.BlockChannels[0], config.TimeWidth);
        _second = new Linear(parameters["linear_2"], config.TimeWidth, config.TimeWidth);
        register_module("linear_1", _first);
        register_module("linear_2", _second);
    }

    /// <summary>Timesteps <c>[b]</c>, whole or not → <c>[b, width]</c>.</summary>
    public Tensor Forward(Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _activation.Apply(_first.forward(Sinusoids(timesteps)));
        Tensor embedded = _second.forward(hidden);
        return (_last is null ? embedded : _last.Apply(embedded)).MoveToOuterDisposeScope();
    }

    /// <summary>Timesteps <c>[b]</c> → <c>[b, channels]</c>, float32.</summary>
    public Tensor Sinusoids(Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        long channels = _config.BlockChannels[0], half = channels / 2;
        Tensor exponents = arange(half, dtype: ScalarType.Float32, device: timesteps.device) * (float)-Math.Log(LongestPeriod) / (float)(half - _config.FrequencyShift);
        Tensor angles = timesteps.to(ScalarType.Float32).unsqueeze(1) * exponents.exp().unsqueeze(0);
        Tensor[] waves = _config.FlipSineToCosine ? [angles.cos(), angles.sin()] : [angles.sin(), angles.cos()];
        if (channels % 2 == 1) waves = [.. waves, zeros([timesteps.size(0), 1], dtype: ScalarType.Float32, device: timesteps.device)];
        return cat(waves, -1).MoveToOuterDisposeScope();
    }
}
