namespace Microsoft.ML.MetaMorph;

/// <summary>How many rows may be read ahead. Memory for each is taken at once, so a number that nobody can mean is refused, in code and in a saved file alike.</summary>
internal static class BatchSizes
{
    public const int Largest = 65_536;

    /// <summary>What can be used, for messages.</summary>
    public const string Range = "at least 1 and at most 65536";

    public static bool IsValid(int size) => size is >= 1 and <= Largest;

    /// <exception cref="ArgumentOutOfRangeException">The number is out of range; option, number and range are named.</exception>
    public static void Require(int size, string option)
    {
        if (!IsValid(size)) throw new ArgumentOutOfRangeException(option, FormattableString.Invariant($"{option} is {size}; it must be {Range}."));
    }
}
