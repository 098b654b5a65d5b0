namespace Microsoft.ML.MetaMorph;

/// <summary>One seed out of two numbers.</summary>
internal static class MixedSeed
{
    /// <summary>32 bits that both numbers reach (SplitMix64): torch takes no more of a seed.</summary>
    public static ulong Of(ulong first, ulong second)
    {
        ulong z = first * 0x9E3779B97F4A7C15 + second * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (z ^ (z >> 31)) & uint.MaxValue;
    }
}
