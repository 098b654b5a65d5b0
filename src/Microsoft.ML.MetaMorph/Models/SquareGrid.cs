namespace Microsoft.ML.MetaMorph;

/// <summary>Tokens or patches that stand in a square.</summary>
internal static class SquareGrid
{
    /// <summary>The side of the square that so many places form; null where they form none.</summary>
    public static int? SideOf(long count)
    {
        if (count < 1) return null;
        var side = (int)Math.Round(Math.Sqrt(count));
        return (long)side * side == count ? side : null;
    }
}
