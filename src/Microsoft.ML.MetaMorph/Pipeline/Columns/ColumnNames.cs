namespace Microsoft.ML.MetaMorph;

/// <summary>Refuses names of columns that no zip with them could be opened again with, where they are set: the option is named, and its place where it is a list.</summary>
internal static class ColumnNames
{
    /// <summary>Refuses an empty name; null stands for no column.</summary>
    /// <param name="option">The option.</param>
    /// <param name="name">What it says.</param>
    /// <param name="otherwise">Where null is meant, to go on from "set it to null".</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public static void RequireOptional(string option, string? name, string otherwise = "for none")
    {
        if (name is { Length: 0 }) throw new ArgumentException($"{option} is empty; name a column, or set it to null {otherwise}.");
    }

    /// <summary>Refuses a list with a name that is null or empty.</summary>
    /// <exception cref="ArgumentException">One is; its place is told, from 0.</exception>
    public static void RequireAll(string option, IReadOnlyList<string> names)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (string.IsNullOrEmpty(names[i])) throw new ArgumentException(FormattableString.Invariant($"{option}[{i}] is {(names[i] is null ? "null" : "empty")}; each entry must be the name of a column."));
        }
    }
}
