using System.Buffers.Binary;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// How deep the footer of a Parquet file is nested. The library behind the reader goes down into it by recursion, and a file that is nested deep enough would use up the
/// stack, which ends the process; so the footer (Thrift's compact protocol) is walked through first.
/// </summary>
internal ref struct FooterNesting
{
    // Data sets have four levels of columns, and the footer itself has five more.
    private const int MostLevels = 32;

    // Where the schema stands in the footer, and the number of children in an element of it.
    private const int SchemaField = 2, ChildrenField = 5;

    private readonly Stack<long> _open = new();
    private ReadOnlySpan<byte> _left;

    private FooterNesting(ReadOnlySpan<byte> footer) => _left = footer;

    /// <param name="stream">The file; it stands at its beginning afterwards.</param>
    /// <param name="file">Its name.</param>
    /// <exception cref="InvalidDataException">The footer is nested too deep, or is none.</exception>
    public static void Require(Stream stream, string file)
    {
        if (stream.Length <= 8) throw new InvalidDataException($"'{file}' has {stream.Length} bytes, so it is no Parquet file. It may not have been downloaded whole.");
        Span<byte> end = stackalloc byte[8];
        stream.Seek(-end.Length, SeekOrigin.End);
        stream.ReadExactly(end);
        // Of a file that does not end as it should, the library reads no footer, and says so.
        if (end[4..].SequenceEqual("PAR1"u8)) Walk(stream, file, BinaryPrimitives.ReadInt32LittleEndian(end));
        stream.Position = 0;
    }

    private static void Walk(Stream stream, string file, int length)
    {
        if (length < 0 || length > stream.Length - 8) throw new InvalidDataException($"'{file}' has {stream.Length} bytes, and its footer claims to have {length}. It may not have been downloaded whole.");
        byte[] footer = new byte[length];
        stream.Seek(-8 - length, SeekOrigin.End);
        stream.ReadExactly(footer);
        new FooterNesting(footer).Struct(level: 0, schema: false);
    }

    private static InvalidDataException TooDeep() => new($"the footer of the Parquet file is nested more than {MostLevels} levels deep, which no data set is. Take the file out.");

    private static InvalidDataException Broken() => new("the footer of the Parquet file cannot be read: it is damaged. Write the file anew or take it out.");

    private void Struct(int level, bool schema)
    {
        if (level > MostLevels) throw TooDeep();
        long id = 0, children = 0;
        for (byte head = Next(); head != 0; head = Next())
        {
            id = head >> 4 == 0 ? Signed() : id + (head >> 4);
            if (schema && id == ChildrenField && (head & 15) is 4 or 5 or 6) children = Signed();
            else Value(head & 15, level, inList: false, schema: level == 0 && id == SchemaField);
        }

        if (schema) Place(children);
    }

    /// <summary>Goes on in the tree of columns, whose elements stand one behind another.</summary>
    private void Place(long children)
    {
        if (children > 0)
        {
            _open.Push(children);
            if (_open.Count > MostLevels) throw TooDeep();
            return;
        }

        while (_open.TryPop(out long open))
        {
            if (open > 1)
            {
                _open.Push(open - 1);
                return;
            }
        }
    }

    private void Value(int type, int level, bool inList, bool schema)
    {
        switch (type)
        {
            // In a structure, true and false are types of their own.
            case 1 or 2:
                if (inList) Next();
                break;
            case 3:
                Next();
                break;
            case 4 or 5 or 6:
                Number();
                break;
            case 7:
                Pass(8);
                break;
            case 8:
                Pass(Number());
                break;
            case 9 or 10:
                Entries(level, schema);
                break;
            case 11:
                Pairs(level);
                break;
            case 12:
                Struct(level + 1, schema);
                break;
            default:
                throw Broken();
        }
    }

    private void Entries(int level, bool schema)
    {
        if (level > MostLevels) throw TooDeep();
        byte head = Next();
        ulong count = head >> 4 == 15 ? Number() : (ulong)(head >> 4);
        for (; count > 0; count--) Value(head & 15, level + 1, inList: true, schema);
    }

    private void Pairs(int level)
    {
        if (level > MostLevels) throw TooDeep();
        ulong count = Number();
        int types = count == 0 ? 0 : Next();
        for (; count > 0; count--)
        {
            Value(types >> 4, level + 1, inList: true, schema: false);
            Value(types & 15, level + 1, inList: true, schema: false);
        }
    }

    private byte Next()
    {
        if (_left.IsEmpty) throw Broken();
        byte next = _left[0];
        _left = _left[1..];
        return next;
    }

    private void Pass(ulong count)
    {
        if (count > (ulong)_left.Length) throw Broken();
        _left = _left[(int)count..];
    }

    private ulong Number()
    {
        ulong number = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            byte next = Next();
            number |= (ulong)(next & 127) << shift;
            if (next < 128) return number;
        }

        throw Broken();
    }

    private long Signed()
    {
        ulong number = Number();
        return (long)(number >> 1) ^ -(long)(number & 1);
    }
}
