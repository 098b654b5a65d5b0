using System.Numerics;

namespace Microsoft.ML.MetaMorph;

/// <summary>Refuses options of a generation that are out of range.</summary>
internal static class OptionBounds
{
    /// <summary>The value.</summary>
    /// <param name="value">What was set.</param>
    /// <param name="low">The least value.</param>
    /// <param name="high">The greatest value; the greatest whole number stands for none.</param>
    /// <param name="name">The option.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is below, above, or not a number; option, value and bounds are named.</exception>
    public static T InRange<T>(T value, T low, T high, string name)
        where T : INumber<T>
    {
        if (value >= low && value <= high) return value;
        string bounds = high is int.MaxValue ? FormattableString.Invariant($"at least {low}") : FormattableString.Invariant($"between {low} and {high}");
        throw new ArgumentOutOfRangeException(name, FormattableString.Invariant($"{name} is {value}; it must be {bounds}."));
    }
}
