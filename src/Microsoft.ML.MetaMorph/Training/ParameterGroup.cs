using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A part of a model that trains with its own settings.</summary>
/// <param name="Name">For messages and stored optimizer states.</param>
/// <param name="Parameters">Named parameters; a parameter that stands in several groups (tied weights) belongs to the first.</param>
/// <param name="RateFactor">The group's learning rate is the schedule's times this.</param>
/// <param name="WeightDecay">Decoupled weight decay.</param>
/// <param name="Trainable">False freezes the group: no gradient, no state, no change of a single bit.</param>
internal sealed record ParameterGroup(
    string Name,
    IReadOnlyList<(string Name, Parameter Parameter)> Parameters,
    double RateFactor = 1,
    double WeightDecay = 0,
    bool Trainable = true)
{
    /// <summary>A part as two groups: matrices and kernels, which decay, and vectors, which do not.</summary>
    public static IEnumerable<ParameterGroup> Decaying(string name, IEnumerable<(string Name, Parameter Parameter)> parameters, double weightDecay, double rateFactor = 1, bool trainable = true)
    {
        ILookup<bool, (string Name, Parameter Parameter)> parts = parameters.ToLookup(p => p.Parameter.dim() >= 2);
        yield return new ParameterGroup(name, [.. parts[true]], rateFactor, weightDecay, trainable);
        yield return new ParameterGroup(name + " (vectors)", [.. parts[false]], rateFactor, 0, trainable);
    }

    /// <summary>All parameters of a module under their published names.</summary>
    public static ParameterGroup Of(string name, nn.Module module, double rateFactor = 1, double weightDecay = 0, bool trainable = true)
        => new(name, [.. module.named_parameters()], rateFactor, weightDecay, trainable);
}
