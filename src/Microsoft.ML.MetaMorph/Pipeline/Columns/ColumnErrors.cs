namespace Microsoft.ML.MetaMorph;

/// <summary>Messages about columns: what was looked for, what was found, and what to do.</summary>
internal static class ColumnErrors
{
    public static ArgumentException Missing(string name, string role, IEnumerable<string> present)
        => new($"There is no column '{name}' ({role}). The columns are: {string.Join(", ", present)}.");

    public static ArgumentException WrongType(string name, string role, string found, string expected)
        => new($"The column '{name}' ({role}) has the type {found}; {expected} is needed.");
}
