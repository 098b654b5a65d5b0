namespace Microsoft.ML.MetaMorph;

/// <summary>Refuses options of a training that are out of range.</summary>
internal static class OptionRange
{
    /// <exception cref="ArgumentOutOfRangeException">The value is not valid; option, value and range are named.</exception>
    public static void Check(string name, object? value, bool isValid, string range)
    {
        if (!isValid) throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}.");
    }

    /// <summary>Refuses a value that its enumeration does not name, such as a number that was cast.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Option, value and possible values are named.</exception>
    public static void Check<T>(string name, T value)
        where T : struct, Enum
        => Check(name, value, Enum.IsDefined(value), "one of " + string.Join(", ", Enum.GetNames<T>()));

    /// <summary>Whether a factor is finite and not below 0.</summary>
    public static bool IsFactor(double value) => value is >= 0 and < double.PositiveInfinity;
}
