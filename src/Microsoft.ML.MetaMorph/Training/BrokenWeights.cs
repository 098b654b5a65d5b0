using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Looks for weights that are no numbers, where the first step of a training says that there may be some.</summary>
internal static class BrokenWeights
{
    /// <summary>The first weight that is not finite, for messages; null: all are.</summary>
    public static string? Find(IEnumerable<(string Name, Parameter Parameter)> weights)
    {
        using var mode = no_grad();
        foreach ((string name, Parameter parameter) in weights)
        {
            using var scope = NewDisposeScope();
            long broken = parameter.numel() - isfinite(parameter).sum().item<long>();
            if (broken > 0) return FormattableString.Invariant($"'{name}' has {broken} of {parameter.numel()} values that are NaN or infinite");
        }
        return null;
    }
}
