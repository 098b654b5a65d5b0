using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the residual blocks of one network share.</summary>
/// <param name="TimeWidth">The width of the embedded timestep; null for a network without one.</param>
/// <param name="NormGroups">Groups of the normalisations.</param>
/// <param name="NormEpsilon">Their epsilon.</param>
/// <param name="Activation">The activation, by name.</param>
/// <param name="TimeScaleShift">The timestep scales and shifts after the second normalisation, instead of being added before it.</param>
/// <param name="OutputScale">The sum is divided by it.</param>
/// <param name="Dropout">Drops activations while the network learns; null for a network that never does.</param>
internal sealed record ResnetSettings(long? TimeWidth, int NormGroups, double NormEpsilon, string Activation, bool TimeScaleShift = false, double OutputScale = 1, ActivationDropout? Dropout = null);

/// <summary>A residual block of a UNet or a VAE: normalise, activate, convolve, twice, with the timestep in between (<c>resnets.N</c>).</summary>
internal sealed class ResnetBlock2D : NamedModule
{
    private readonly ResnetSettings _settings;
    private readonly Linear? _time;
    private readonly ulong _place;

    public ResnetBlock2D(ResnetSettings settings, long inputChannels, long outputChannels, ParameterSource parameters)
        : base(nameof(ResnetBlock2D))
    {
        _settings = settings;
        _place = settings.Dropout?.NewPlace() ?? 0;
        Activation = HiddenActivation.Named(settings.Activation);
        FirstNorm = new GroupNorm(parameters["norm1"], settings.NormGroups, inputChannels, settings.NormEpsilon);
        FirstConvolution = new Conv2d(parameters["conv1"], inputChannels, outputChannels);
        register_module("norm1", FirstNorm);
        register_module("conv1", FirstConvolution);
        if (settings.TimeWidth is { } width)
        {
            _time = new Linear(parameters["time_emb_proj"], width, settings.TimeScaleShift ? 2 * outputChannels : outputChannels);
            register_module("time_emb_proj", _time);
        }
        SecondNorm = new GroupNorm(parameters["norm2"], settings.NormGroups, outputChannels, settings.NormEpsilon);
        SecondConvolution = new Conv2d(parameters["conv2"], outputChannels, outputChannels);
        register_module("norm2", SecondNorm);
        register_module("conv2", SecondConvolution);
        if (inputChannels == outputChannels) return;
        Shortcut = new Conv2d(parameters["conv_shortcut"], inputChannels, outputChannels, kernel: 1);
        register_module("conv_shortcut", Shortcut);
    }

    public GroupNorm FirstNorm { get; }

    public Conv2d FirstConvolution { get; }

    public GroupNorm SecondNorm { get; }

    public Conv2d SecondConvolution { get; }

    /// <summary>Fits the input to the output's channels; null where they are equal.</summary>
    public Conv2d? Shortcut { get; }

    public HiddenActivation Activation { get; }

    public double OutputScale => _settings.OutputScale;

    /// <summary><c>[b, in, h, w]</c> → <c>[b, out, h, w]</c>.</summary>
    /// <param name="input">Stays the caller's.</param>
    /// <param name="time">The embedded timestep, activated, <c>[b, width]</c>; null in a network without one.</param>
    public Tensor Forward(Tensor input, Tensor? time = null)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = FirstConvolution.ForwardOwned(FirstNorm.forward(input).Then(Activation.Apply));
        hidden = SecondConvolution.ForwardOwned(hidden.Then(h => Normalized(h, time)).Then(Activation.Apply).Then(Dropped));
        hidden = hidden.Then(h => h.Plus(Shortcut is null ? input : Shortcut.forward(input)));
        if (OutputScale != 1) hidden = hidden / OutputScale;
        return hidden.MoveToOuterDisposeScope();
    }

    private Tensor Dropped(Tensor hidden) => _settings.Dropout?.Apply(hidden, _place) ?? hidden;

    private Tensor Normalized(Tensor owned, Tensor? time)
    {
        if (_time is null || time is null) return SecondNorm.forward(owned);
        using var scope = NewDisposeScope();
        Tensor projected = _time.forward(time).unsqueeze(-1).unsqueeze(-1);
        if (!_settings.TimeScaleShift) return owned.Plus(projected).Then(SecondNorm.forward).MoveToOuterDisposeScope();
        Tensor[] scaleAndShift = projected.chunk(2, 1);
        return SecondNorm.forward(owned).Then(h => h.Times(scaleAndShift[0] + 1)).Then(h => h.Plus(scaleAndShift[1])).MoveToOuterDisposeScope();
    }
}
