using System.Text.RegularExpressions;
using Parquet.Schema;

namespace Microsoft.ML.MetaMorph;

/// <summary>Which columns of a file make a row.</summary>
internal sealed partial class RowColumns
{
    private static readonly string[] Conversations = ["conversations", "messages"];

    private static readonly string[] Pictures = ["image", "images"];

    private readonly string? _imageColumn;

    public RowColumns(ParquetRowOptions options)
    {
        // As they are now: they may be changed and used for another source.
        (Prompt, Response, MaximumBytes, _imageColumn) = (options.Prompt, options.Response, options.MaximumRowGroupBytes, options.ImageColumnName);
        Texts = [.. Places(options.Prompt).Concat(Places(options.Response)).Distinct()];
    }

    public string? Prompt { get; }

    public string? Response { get; }

    /// <summary>The most that a row group may need in memory.</summary>
    public long MaximumBytes { get; }

    /// <summary>The columns that stand in braces in prompt or response.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>The columns of a file that are read, by their part in a row.</summary>
    /// <exception cref="InvalidDataException">One that is needed is not there.</exception>
    public IReadOnlyDictionary<string, Field> Choose(ParquetSchema schema)
    {
        var chosen = new Dictionary<string, Field>(StringComparer.Ordinal);
        Dictionary<string, Field> all = schema.Fields.ToDictionary(f => f.Name, StringComparer.Ordinal);
        foreach (string text in Texts) chosen[text] = all.GetValueOrDefault(text) ?? throw Missing($"the column '{text}', which stands in the prompt or the response", all);
        if (Prompt is null) ChooseConversation(all, chosen);
        if (_imageColumn is { } name) chosen[Pictures[0]] = all.GetValueOrDefault(name) ?? throw Missing($"the column of pictures '{name}'", all);
        foreach (string picture in Pictures.Where(p => _imageColumn is null && all.ContainsKey(p))) chosen[picture] = all[picture];
        return chosen;
    }

    /// <summary>A text with the values of a row in the place of the braces.</summary>
    public static string Fill(string template, Func<string, string> value) => Place().Replace(template, match => value(match.Groups["column"].Value));

    private static IEnumerable<string> Places(string? template) => template is null ? [] : Place().Matches(template).Select(m => m.Groups["column"].Value);

    private static void ChooseConversation(Dictionary<string, Field> all, Dictionary<string, Field> chosen)
    {
        string[] present = [.. Conversations.Where(all.ContainsKey)];
        if (present.Length == 0) throw Missing($"a column 'conversations' or 'messages', and {nameof(ParquetRowOptions)}.{nameof(ParquetRowOptions.Prompt)} and {nameof(ParquetRowOptions.Response)} do not say how to make a row of others", all);
        foreach (string name in present) chosen[name] = all[name];
        if (all.TryGetValue("kind", out Field? kind)) chosen["kind"] = kind;
    }

    private static InvalidDataException Missing(string what, Dictionary<string, Field> all) => new($"the file does not have {what}. It has: {string.Join(", ", all.Keys)}.");

    [GeneratedRegex(@"\{(?<column>[^{}]+)\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Place();
}
