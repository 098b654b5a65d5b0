using System.Text.Json;
using Parquet.Schema;

namespace Microsoft.ML.MetaMorph;

/// <summary>A column with what is nested in it, which gives one value after another as JSON (record assembly as in the Dremel paper).</summary>
internal abstract class ColumnNode(Field field)
{
    protected Field Field { get; } = field;

    /// <summary>A flat column below this one, which tells the levels; all columns below stand at the same row.</summary>
    public abstract LeafColumn First { get; }

    /// <exception cref="InvalidDataException">Nothing in the column is text or bytes.</exception>
    public static ColumnNode Of(Field field, Func<DataField, LeafColumn?> read)
        => Make(field, read) ?? throw new InvalidDataException($"the column '{field.Name}' holds neither text nor bytes, but {(field as DataField)?.ClrType.Name ?? field.SchemaType.ToString()}.");

    /// <summary>Writes the value in hand and goes on to the next.</summary>
    /// <param name="json">Gets the value.</param>
    /// <param name="picture">Gives a name to bytes: those of a flat column, by their number.</param>
    public abstract void Write(Utf8JsonWriter json, Func<LeafColumn, int, string> picture);

    /// <summary>Goes on to the next value.</summary>
    public abstract void Skip();

    private static ColumnNode? Make(Field field, Func<DataField, LeafColumn?> read) => field switch
    {
        DataField data when read(data) is { } leaf => data.IsArray ? new ListNode(data, new LeafNode(data, leaf)) : new LeafNode(data, leaf),
        StructField parts when parts.Fields.Select(f => (f.Name, Node: Make(f, read))).Where(p => p.Node is not null).ToArray() is { Length: > 0 } nodes => new StructNode(parts, nodes!),
        ListField list when Make(list.Item, read) is { } item => new ListNode(list, item),
        _ => null,
    };

    private sealed class LeafNode(DataField field, LeafColumn column) : ColumnNode(field)
    {
        public override LeafColumn First => column;

        public override void Write(Utf8JsonWriter json, Func<LeafColumn, int, string> picture)
        {
            if (!column.HasValue)
            {
                json.WriteNullValue();
            }
            else if (column.Texts is { } texts)
            {
                json.WriteStringValue(texts[column.ValueIndex].Span);
            }
            else
            {
                json.WriteStartObject();
                json.WriteString("path", picture(column, column.ValueIndex));
                json.WriteEndObject();
            }
            column.Advance();
        }

        public override void Skip() => column.Advance();
    }

    private sealed class StructNode(StructField field, (string Name, ColumnNode Node)[] parts) : ColumnNode(field)
    {
        // What Hugging Face's feature "Image" is stored as.
        private readonly ColumnNode? _bytes = parts.Length == 2 && parts.Any(p => p.Name == "path") ? parts.FirstOrDefault(p => p.Name == "bytes").Node : null;

        public override LeafColumn First => parts[0].Node.First;

        public override void Write(Utf8JsonWriter json, Func<LeafColumn, int, string> picture)
        {
            if (Field.IsNullable && First.Definition < Field.MaxDefinitionLevel)
            {
                json.WriteNullValue();
                Skip();
            }
            else if (_bytes is { First.HasValue: true })
            {
                // The path beside bytes is where the picture once lay.
                foreach ((string name, ColumnNode node) in parts)
                {
                    if (node == _bytes) node.Write(json, picture);
                    else node.Skip();
                }
            }
            else
            {
                WriteParts(json, picture);
            }
        }

        public override void Skip()
        {
            foreach ((_, ColumnNode node) in parts) node.Skip();
        }

        private void WriteParts(Utf8JsonWriter json, Func<LeafColumn, int, string> picture)
        {
            json.WriteStartObject();
            foreach ((string name, ColumnNode node) in parts)
            {
                json.WritePropertyName(name);
                node.Write(json, picture);
            }
            json.WriteEndObject();
        }
    }

    private sealed class ListNode(Field field, ColumnNode item) : ColumnNode(field)
    {
        public override LeafColumn First => item.First;

        public override void Write(Utf8JsonWriter json, Func<LeafColumn, int, string> picture)
        {
            if (First.Definition < Field.MaxDefinitionLevel)
            {
                WriteNothing(json);
                return;
            }
            json.WriteStartArray();
            do
            {
                item.Write(json, picture);
            }
            while (First.Repetition == Field.MaxRepetitionLevel);
            json.WriteEndArray();
        }

        public override void Skip()
        {
            do
            {
                item.Skip();
            }
            while (First.Repetition == Field.MaxRepetitionLevel);
        }

        /// <summary>One level below the list's own means that it is there and empty.</summary>
        private void WriteNothing(Utf8JsonWriter json)
        {
            if (First.Definition == Field.MaxDefinitionLevel - 1)
            {
                json.WriteStartArray();
                json.WriteEndArray();
            }
            else
            {
                json.WriteNullValue();
            }
            item.Skip();
        }
    }
}
