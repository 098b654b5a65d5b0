using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Predicts the noise (or the velocity) in a picture under a condition: the UNet of Stable Diffusion (arXiv 2112.10752), with
/// diffusers' parameter names.
/// </summary>
/// <remarks>Any size can be denoised: on the way up a picture takes the size that it had on the way down.</remarks>
internal sealed class UNet2DConditionModel : NamedModule
{
    /// <summary>Pictures of a resolution that its attention and feed-forward layers hold at once.</summary>
    private const long AttentionCopies = 11;

    private readonly Conv2d _input, _output;
    private readonly TimestepEmbedding _time;
    private readonly GroupNorm _outputNorm;
    private readonly HiddenActivation _activation;

    public UNet2DConditionModel(UNet2DConditionConfig config, ParameterSource parameters)
        : base(nameof(UNet2DConditionModel))
    {
        config.Validate();
        Config = config;
        Device = parameters.Device;
        _activation = HiddenActivation.Named(config.Activation);
        _input = new Conv2d(parameters["conv_in"], config.InputChannels, config.BlockChannels[0], config.InputKernel);
        _time = new TimestepEmbedding(config, parameters["time_embedding"]);
        register_module("conv_in", _input);
        register_module("time_embedding", _time);
        var builder = new UNetBlockBuilder(config, parameters);
        register_module("down_blocks", builder.Down());
        if (builder.Mid() is { } mid) register_module("mid_block", mid);
        register_module("up_blocks", builder.Up());
        (Steps, Dropout) = (builder.Steps, builder.Dropout);
        _outputNorm = new GroupNorm(parameters["conv_norm_out"], config.NormGroups, config.BlockChannels[0], config.NormEpsilon);
        _output = new Conv2d(parameters["conv_out"], config.BlockChannels[0], config.OutputChannels, config.OutputKernel);
        register_module("conv_norm_out", _outputNorm);
        register_module("conv_out", _output);
    }

    public UNet2DConditionConfig Config { get; }

    public Device Device { get; }

    /// <summary>All between the first and the last convolution, in order.</summary>
    public IReadOnlyList<UNetStep> Steps { get; }

    /// <summary>What a trainer switches on for the rows that it computes; null where the configuration drops nothing.</summary>
    public ActivationDropout? Dropout { get; }

    /// <summary>The prediction for a batch, <c>[b, out_channels, h, w]</c>, float32.</summary>
    /// <param name="sample">Noisy pictures, <c>[b, in_channels, h, w]</c>.</param>
    /// <param name="timesteps">How noisy, <c>[b]</c>, or one number for all.</param>
    /// <param name="condition">Conditioning vectors, <c>[b, m, cross_attention_dim]</c>.</param>
    /// <exception cref="ArgumentException">A shape does not fit; the message names both.</exception>
    public Tensor Forward(Tensor sample, Tensor timesteps, Tensor condition)
    {
        Check(sample, timesteps, condition);
        using var scope = NewDisposeScope();
        Tensor context = condition.to(ScalarType.Float32), time = Time(timesteps, sample.size(0)), hidden = Enter(sample);
        var skips = new Stack<Tensor>([hidden]);
        bool isSkip = true;
        foreach (UNetStep step in Steps)
        {
            Tensor? skip = step.TakesSkip ? skips.Pop() : null;
            Tensor next = step.Forward(hidden, skip, time, context, SizeOf(skips));
            if (!isSkip) hidden.Dispose();
            skip?.Dispose();
            (hidden, isSkip) = (next, step.LeavesSkip);
            if (isSkip) skips.Push(hidden);
        }
        return Leave(hidden).MoveToOuterDisposeScope();
    }

    /// <summary>The embedded timesteps, activated as every residual block takes them, <c>[b, width]</c>.</summary>
    public Tensor Time(Tensor timesteps, long batch)
    {
        using var scope = NewDisposeScope();
        Tensor embedded = _time.Forward(timesteps.to(Device).flatten().expand(batch));
        if (Config.TimeEmbeddingActivation is { } name) embedded = HiddenActivation.Named(name).Apply(embedded);
        return _activation.Apply(embedded).MoveToOuterDisposeScope();
    }

    /// <summary>The first convolution: noisy pictures → the input of the first step, which is also the first one left for the way up.</summary>
    public Tensor Enter(Tensor sample)
    {
        using var scope = NewDisposeScope();
        Tensor input = ChannelsLast.Of(sample);
        if (Config.CenterInputSample) input = input * 2 - 1;
        return _input.forward(input).MoveToOuterDisposeScope();
    }

    /// <summary>The last convolution: the result of the last step → the prediction.</summary>
    public Tensor Leave(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return _outputNorm.forward(hidden).Then(_activation.Apply).Then(_output.forward).MoveToOuterDisposeScope();
    }

    /// <summary>An estimate of the bytes that one picture takes at the peak without gradients, weights not counted: what is left for the way up, and a step at work.</summary>
    public long RowBytes(int height, int width)
    {
        long left = 0, most = 0, channels = Config.BlockChannels[0];
        (long h, long w) = (height, width);
        left += channels * h * w;
        foreach (UNetStep step in Steps)
        {
            if (step.Downsampler is not null) (h, w) = ((h + 1) / 2, (w + 1) / 2);
            if (step.Upsampler is not null) (h, w) = (2 * h, 2 * w);
            if (step.Resnet is { } resnet)
            {
                channels = resnet.FirstConvolution.OutputChannels;
                most = Math.Max(most, 3 * Math.Max(channels, resnet.FirstConvolution.InputChannels) * h * w);
                if (step.Attention is not null) most = Math.Max(most, AttentionCopies * channels * h * w);
            }
            if (step.LeavesSkip) left += channels * h * w;
        }
        return (left + most) * sizeof(float);
    }

    /// <summary>Height and width of the picture that was left last; the next one to be joined on the way up.</summary>
    public static (long Height, long Width) SizeOf(Stack<Tensor> skips) => skips.TryPeek(out Tensor? next) ? (next.size(2), next.size(3)) : default;

    /// <summary>Refuses shapes that do not fit before anything is computed.</summary>
    /// <exception cref="ArgumentException">A shape does not fit; the message names both.</exception>
    public void Check(Tensor sample, Tensor timesteps, Tensor condition)
    {
        if (sample.dim() != 4 || sample.size(1) != Config.InputChannels || sample.numel() == 0)
            throw new ArgumentException($"The UNet takes pictures [batch, {Config.InputChannels}, height, width] (in_channels); {ChannelsLast.Shape(sample)} was given.", nameof(sample));
        long batch = sample.size(0);
        if (timesteps.numel() != 1 && (timesteps.dim() != 1 || timesteps.size(0) != batch))
            throw new ArgumentException($"One timestep, or one for each of {batch} pictures, is needed; {ChannelsLast.Shape(timesteps)} was given.", nameof(timesteps));
        if (condition.dim() != 3 || condition.size(2) != Config.CrossAttentionWidth)
            throw new ArgumentException($"The UNet's cross-attention takes vectors of width {Config.CrossAttentionWidth} (cross_attention_dim), [batch, count, {Config.CrossAttentionWidth}]; {ChannelsLast.Shape(condition)} was given.", nameof(condition));
        if (condition.size(0) != batch || condition.size(1) == 0)
            throw new ArgumentException($"{batch} pictures need as many conditions of at least one vector; {ChannelsLast.Shape(condition)} was given.", nameof(condition));
    }
}
