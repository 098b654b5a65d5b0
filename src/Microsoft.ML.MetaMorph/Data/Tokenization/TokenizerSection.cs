using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>One object of a <c>tokenizer.json</c>, read with errors that name the file and the place in it.</summary>
internal readonly struct TokenizerSection(JsonElement element, string file, string path)
{
    /// <summary>Longer values are cut in messages.</summary>
    private const int ShownCharacters = 80;

    private const int HighestTokenId = (1 << 30) - 1;

    public JsonElement Element { get; } = element;

    public string File { get; } = file;

    public string Path { get; } = path;

    public string Type => Text("type");

    /// <summary>The object <paramref name="name"/>, or null where it is missing or <c>null</c>.</summary>
    public TokenizerSection? Optional(string name) =>
        Property(name) is { ValueKind: not JsonValueKind.Null } value ? new TokenizerSection(value, File, $"{Path}.{name}") : null;

    public TokenizerSection Required(string name) => Optional(name) ?? throw Wrong($"has no '{name}'");

    public string Text(string name)
    {
        TokenizerSection value = Required(name);
        return value.Element.ValueKind == JsonValueKind.String ? value.Element.GetString()! : throw value.Expected("a string");
    }

    public string? OptionalText(string name) => Optional(name) is null ? null : Text(name);

    public bool Flag(string name, bool otherwise)
    {
        if (Optional(name) is not { } value) return otherwise;
        return value.Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw value.Expected("true or false"),
        };
    }

    public bool? OptionalFlag(string name) => Optional(name) is null ? null : Flag(name, false);

    public int Number(string name) => Required(name).AsNumber();

    public int Number(string name, int otherwise) => Optional(name) is { } value ? value.AsNumber() : otherwise;

    public int AsNumber() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int number) && number >= 0
        ? number
        : throw Expected("a whole number of at least 0");

    /// <summary>An id behind which further tokens still fit; what is higher is damage, no vocabulary is so large.</summary>
    public int AsTokenId() => AsNumber() is var id && id <= HighestTokenId ? id : throw Expected($"a token id of at most {HighestTokenId}");

    public string AsText() => Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Expected("a string");

    /// <summary>The entries of the list <paramref name="name"/>; none where it is missing.</summary>
    public IEnumerable<TokenizerSection> Items(string name) => Optional(name) is { } list ? list.Items() : [];

    public IEnumerable<TokenizerSection> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array) throw Expected("a list");
        TokenizerSection self = this;
        return Element.EnumerateArray().Select((item, i) => new TokenizerSection(item, self.File, $"{self.Path}[{i}]"));
    }

    public IEnumerable<(string Name, TokenizerSection Value)> Entries()
    {
        if (Element.ValueKind != JsonValueKind.Object) throw Expected("an object");
        TokenizerSection self = this;
        return Element.EnumerateObject().Select(p => (p.Name, new TokenizerSection(p.Value, self.File, $"{self.Path}.{p.Name}")));
    }

    public InvalidDataException Wrong(string what, Exception? inner = null) => new($"{File}: {(Path.Length == 0 ? "the file" : Path.TrimStart('.'))} {what}.", inner);

    /// <summary>The error for a value of another kind; it tells the value.</summary>
    public InvalidDataException Expected(string what)
    {
        string found = Element.GetRawText();
        return Wrong($"must be {what}, but is {(found.Length <= ShownCharacters ? found : found[..ShownCharacters] + "…")}");
    }

    public InvalidDataException Unsupported(string what) => Wrong($"has the {what} '{Type}', which is not supported");

    private JsonElement? Property(string name)
    {
        if (Element.ValueKind != JsonValueKind.Object) throw Expected("an object");
        return Element.TryGetProperty(name, out JsonElement value) ? value : null;
    }
}
