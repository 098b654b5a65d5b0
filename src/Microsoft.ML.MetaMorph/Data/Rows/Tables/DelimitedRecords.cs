using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The rows of a table of texts with separators, as RFC 4180 has it: fields in quotes hold separators, line breaks and doubled quotes. The platform
/// has no reader for it. A row that is wrong ends where its line ends, so that the next can be read.
/// </summary>
internal sealed class DelimitedRecords(ByteFeed feed, byte separator, int maximumBytes)
{
    private readonly List<byte> _field = [];
    private readonly List<string> _fields = [];
    private long _length;
    private string? _problem;

    /// <summary>All rows; those of blank lines are none.</summary>
    public IEnumerable<DelimitedRecord> Read()
    {
        while (feed.Peek() >= 0)
        {
            long line = feed.Line;
            ReadRow();
            bool blank = _problem is null && _fields.Count == 1 && _fields[0].Length == 0;
            if (!blank) yield return new DelimitedRecord(line, [.. _fields], Problem());
        }
    }

    private string? Problem() => _length <= maximumBytes
        ? _problem
        : $"the row has {_length} bytes, more than {nameof(TableFileOptions.MaximumRowBytes)} = {maximumBytes}{(_problem is null ? "" : "; a quote may be missing")}. Raise it, or mend the row.";

    private void ReadRow()
    {
        _fields.Clear();
        _length = 0;
        _problem = null;
        do
        {
            _field.Clear();
            if (feed.Peek() == '"') ReadQuoted();
            else ReadBare();
            AddField();
        }
        while (TakeSeparator());
    }

    private void ReadBare()
    {
        while (!AtEndOfField())
        {
            if (feed.Peek() == '"') Tell($"a quote stands inside field {_fields.Count + 1}, which does not begin with one. Put the field into quotes and double those inside.");
            Keep(feed.Next());
        }
    }

    private void ReadQuoted()
    {
        long line = feed.Line;
        feed.Next();
        while (true)
        {
            int value = feed.Next();
            if (value < 0)
            {
                Tell($"the quote that opens field {_fields.Count + 1} on line {line} is not closed before the file ends; rows behind it are lost. Close it.");
                return;
            }

            if (value == '"')
            {
                if (feed.Peek() != '"') break;
                feed.Next();
            }

            Keep(value);
        }

        while (!AtEndOfField())
        {
            Tell($"something stands behind the closing quote of field {_fields.Count + 1}. Double quotes that are inside a field.");
            Keep(feed.Next());
        }
    }

    private void Keep(int value)
    {
        _length++;
        if (_length <= maximumBytes) _field.Add((byte)value);
    }

    private void AddField()
    {
        try
        {
            _fields.Add(SourceText.Decode(CollectionsMarshal.AsSpan(_field), $"field {_fields.Count + 1}"));
        }
        catch (InvalidDataException failure)
        {
            Tell(failure.Message);
            _fields.Add("");
        }
    }

    // The first thing that is wrong is told; what follows may come of it.
    private void Tell(string problem) => _problem ??= problem;

    private bool AtEndOfField() => feed.Peek() is var next && (next < 0 || next == separator || next is '\r' or '\n');

    /// <summary>Goes past the separator (true), or past the end of the line (false).</summary>
    private bool TakeSeparator()
    {
        int next = feed.Next();
        if (next == '\r' && feed.Peek() == '\n') feed.Next();
        return next == separator;
    }
}
