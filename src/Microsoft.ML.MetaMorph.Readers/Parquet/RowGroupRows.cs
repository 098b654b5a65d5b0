using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Which row group of which file, and how many rows stand before it.</summary>
internal sealed record RowGroupPlace(string File, int Index, long Before);

/// <summary>The rows of one row group, one after another.</summary>
internal sealed class RowGroupRows(int count, IReadOnlyDictionary<string, ColumnNode> columns, RowColumns plan)
{
    /// <summary>Stands in front of the number of a picture that is no file; no path begins with it.</summary>
    private const char Mark = '\u0001';

    public int Count => count;

    public IEnumerable<RowReading> Read(RowGroupPlace group, ImageFolder folder, ColumnCache cache)
    {
        for (int i = 0; i < count; i++)
        {
            var place = new RowPlace(group.File, group.Before + i + 1, "row");
            var pictures = new List<RowImage>();
            (byte[]? json, string? problem) = ParquetErrors.Try(() => Assemble((column, value) => Name(column, value, group, place, cache, pictures)));
            if (json is null)
            {
                yield return RowReading.Failed(place, problem!);
                // The columns do not stand at the same row any more.
                yield break;
            }
            yield return RowReading.Make(place, () => Make(json, path => path.Length > 0 && path[0] == Mark && int.TryParse(path.AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < pictures.Count ? pictures[number] : folder.Image(path)));
        }
    }

    private static string Name(LeafColumn column, int value, RowGroupPlace group, RowPlace place, ColumnCache cache, List<RowImage> pictures)
    {
        string path = column.Field.Path.ToString(), name = $"{place}, column {path}";
        cache.Keep(group.File, group.Index, path, column.Bytes!);
        pictures.Add(RowImage.FromBytes(name, () => cache.Get(group.File, group.Index, path)[value].ToArray()));
        return $"{Mark}{pictures.Count - 1}";
    }

    /// <summary>The row in hand as JSON. Every column is read, so that all stand at the next row.</summary>
    private byte[] Assemble(Func<LeafColumn, int, string> picture)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach ((string name, ColumnNode node) in columns)
            {
                json.WritePropertyName(name);
                node.Write(json, picture);
            }
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    private InstructionRow Make(byte[] json, Func<string, RowImage> image)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement row = document.RootElement;
        if (plan.Prompt is null) return InstructionRow.FromJson(row, image);
        string prompt = RowColumns.Fill(plan.Prompt, column => Text(row, column)), response = RowColumns.Fill(plan.Response!, column => Text(row, column));
        var images = new List<RowImage>();
        foreach (string name in columns.Keys.Except(plan.Texts)) AddImages(row.GetProperty(name), name, image, images);
        return new InstructionRow([prompt], [response], images);
    }

    private static string Text(JsonElement row, string column)
    {
        JsonElement value = row.GetProperty(column);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new InvalidDataException($"the column '{column}' is {(value.ValueKind == JsonValueKind.Null ? "null" : "no text")} here. Fill it, or take the row out.");
    }

    private static void AddImages(JsonElement value, string name, Func<string, RowImage> image, List<RowImage> images)
    {
        if (value.ValueKind == JsonValueKind.Array)
        {
            int index = 0;
            foreach (JsonElement entry in value.EnumerateArray()) AddImages(entry, $"{name}[{index++}]", image, images);
        }
        else if (value.ValueKind == JsonValueKind.String)
        {
            images.Add(image(value.GetString()!));
        }
        else if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("path", out JsonElement path) && path.ValueKind == JsonValueKind.String)
        {
            images.Add(image(path.GetString()!));
        }
        else if (value.ValueKind != JsonValueKind.Null)
        {
            throw new InvalidDataException($"'{name}' has neither bytes nor a path of a picture. Fill it, or take the row out.");
        }
    }
}
