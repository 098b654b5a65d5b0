using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The members of a shard that share a key: one row.</summary>
internal sealed class ShardSample(string file, string textField, ShardMember first)
{
    private readonly List<ShardMember> _members = [first];

    public string Key => _members[0].Key;

    public RowPlace Place => new(file, _members[0].Number, "member");

    public static bool IsText(string extension) => extension is "txt" or "caption" or "json";

    public void Add(ShardMember member) => _members.Add(member);

    /// <summary>Its rows; none where it has neither pictures nor texts, as the descriptions of shards have.</summary>
    public IEnumerable<RowReading> Rows(CaptionRows captions, long number, bool repeated)
    {
        if (!_members.Any(member => member.Problem is not null || IsText(member.Extension) || PictureEndings.Has(member.Name))) return [];
        if (Problem(repeated) is { } problem) return [RowReading.Failed(Place, problem)];
        return Conversation() is { } json ? [RowReading.Make(Place, () => Converse(json))] : captions.Make(Place, number, Pair);
    }

    private string? Problem(bool repeated)
    {
        if (_members.FirstOrDefault(member => member.Problem is not null) is { } wrong) return wrong.Problem;
        if (_members.GroupBy(member => member.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            return $"the member '{twice.Key}' stands {twice.Count()} times in the shard. Leave one.";
        return repeated ? $"the key '{Key}' stands here again, behind members of other keys. Write the members of a row one after another, and each key once." : null;
    }

    private ShardMember? Conversation()
    {
        ShardMember? json = _members.Find(member => member.Extension == "json");
        // A quick look; what is wrong in it is told when the row is made of it.
        return json is not null && (json.Text.AsSpan().IndexOf("\"conversations\""u8) >= 0 || json.Text.AsSpan().IndexOf("\"messages\""u8) >= 0) ? json : null;
    }

    private InstructionRow Converse(ShardMember json)
    {
        using JsonDocument document = JsonRow.Parse(new JsonRecord(json.Number, json.Text));
        return ConversationJson.Read(document.RootElement, name => Image(name), Images());
    }

    private (RowImage Image, string Caption) Pair()
    {
        IReadOnlyList<RowImage> images = Images();
        if (images.Count != 1) throw new InvalidDataException($"the row '{Key}' has {images.Count} pictures among its members ({string.Join(", ", _members.Select(member => $"'{member.Name}'"))}); one is needed beside a caption.");
        return (images[0], Caption());
    }

    private string Caption()
    {
        ShardMember[] texts = [.. _members.Where(member => member.Extension is "txt" or "caption")];
        if (texts.Length > 1) throw new InvalidDataException($"the row '{Key}' has two captions, '{texts[0].Name}' and '{texts[1].Name}'. Leave one.");
        if (texts.Length == 1) return SourceText.Decode(texts[0].Text, $"the member '{texts[0].Name}'").Trim();
        if (_members.Find(member => member.Extension == "json") is not { } json)
            throw new InvalidDataException($"the row '{Key}' has no caption: neither '{Key}.txt' nor '{Key}.json' is among its members. Write one of them into the shard.");
        using JsonDocument document = JsonRow.Parse(new JsonRecord(json.Number, json.Text));
        return JsonRow.RequiredText(document.RootElement, textField);
    }

    private List<RowImage> Images() => [.. _members.Where(member => PictureEndings.Has(member.Name)).Select(member => Image(member))];

    /// <summary>The picture that a conversation names: by the member's name, with or without its folder.</summary>
    private RowImage Image(string name)
        => _members.Find(member => PictureEndings.Has(member.Name) && (member.Name == name || Path.GetFileName(member.Name) == Path.GetFileName(name))) is { } found
            ? Image(found)
            : throw new InvalidDataException($"the row names the picture '{name}', which is not among its members: {string.Join(", ", _members.Select(member => $"'{member.Name}'"))}.");

    private RowImage Image(ShardMember member)
    {
        string shard = file;
        return RowImage.FromBytes($"{shard}, member '{member.Name}'", () =>
        {
            var bytes = new byte[member.Length];
            using FileStream stream = SourceFiles.Open(shard);
            stream.Position = member.Offset;
            stream.ReadExactly(bytes);
            return bytes;
        });
    }
}
