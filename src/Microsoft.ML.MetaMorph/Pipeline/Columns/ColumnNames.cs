namespace Microsoft.ML.MetaMorph;

/// <summary>Refuses names of columns that no zip with them could be opened again with, where they are set: the option is named, and its place where it is a list.</summary>
internal static class ColumnNames
{
    /// <summary>Refuses a name that is null or empty.</summary>
    /// <exception cref="ArgumentException">It is.</exception>
    public static void Require(string option, string? name)
    {
        if (string.IsNullOrEmpty(name)) throw new ArgumentException($"{option} is {(name is null ? "null" : "empty")}; it must be the name of a column.");
    }

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

    /// <summary>Refuses to append two columns under one name; null stands for no column.</summary>
    /// <exception cref="ArgumentException">Two would be; the name is told.</exception>
    public static void RequireUnlike(params IEnumerable<string?> outputs)
    {
        if (outputs.OfType<string>().GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Two columns would be appended as '{twice.Key}'.");
    }

    /// <summary>Refuses to append a column under the name of one that is read: behind the transformer it would be hidden.</summary>
    /// <exception cref="ArgumentException">One would be; both options are told.</exception>
    public static void RequireVisible(IEnumerable<(string Option, string? Name)> inputs, IEnumerable<(string Option, string? Name)> outputs)
    {
        foreach ((string output, string? name) in outputs)
        {
            foreach ((string input, string? read) in inputs)
            {
                if (name is not null && name == read) throw new ArgumentException($"{input}, which is read, and {output}, which is appended, are both '{name}', so the appended column would hide the other. Give one of them another name.");
            }
        }
    }
}
