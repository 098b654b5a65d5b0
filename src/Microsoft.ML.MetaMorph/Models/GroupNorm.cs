using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Normalisation of pictures <c>[b, c, h, w]</c> over groups of channels and all pixels, computed in float32.</summary>
internal sealed class GroupNorm : NamedLayer
{
    /// <exception cref="InvalidDataException">The channels do not divide into the groups.</exception>
    public GroupNorm(ParameterSource parameters, long groups, long channels, double epsilon)
        : base(nameof(GroupNorm))
    {
        if (groups < 1 || channels % groups != 0) throw new InvalidDataException($"{parameters.Prefix.TrimEnd('.')}: {channels} channels do not divide into {groups} groups (norm_num_groups).");
        (Groups, Epsilon) = (groups, epsilon);
        Weight = parameters.Get("weight", [channels], Initialization.Ones);
        Bias = parameters.Get("bias", [channels], Initialization.Zeros);
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    public long Groups { get; }

    public double Epsilon { get; }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    /// <exception cref="ArgumentException">The input has another number of channels.</exception>
    public override Tensor forward(Tensor input)
    {
        if (input.dim() < 2 || input.size(1) != Weight.size(0))
            throw new ArgumentException($"A group normalisation takes {Weight.size(0)} channels; [{string.Join(", ", input.shape)}] was given.", nameof(input));
        if (Weight.dtype == input.dtype) return F.group_norm(input, Groups, Weight, Bias, Epsilon);
        using var scope = NewDisposeScope();
        return F.group_norm(input, Groups, Weight.to(input.dtype), Bias.to(input.dtype), Epsilon).MoveToOuterDisposeScope();
    }
}
