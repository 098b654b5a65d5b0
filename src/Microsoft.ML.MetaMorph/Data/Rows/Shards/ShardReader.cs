using System.Formats.Tar;

namespace Microsoft.ML.MetaMorph;

/// <summary>The members of one tar file in their order. Pictures are passed over; texts are read.</summary>
internal sealed class ShardReader : IDisposable
{
    private readonly FileStream _stream;
    private readonly TarReader _reader;
    private readonly ShardOptions _options;
    private long _number;
    private bool _ended;

    public ShardReader(string file, ShardOptions options)
    {
        _options = options;
        _stream = SourceFiles.Open(file);
        _reader = new TarReader(_stream, leaveOpen: true);
    }

    /// <summary>The next member that is a file.</summary>
    /// <param name="broken">Why the shard cannot be read further; null where it can, or where it is at its end.</param>
    /// <returns>The member; null at the end.</returns>
    public ShardMember? Next(out string? broken)
    {
        try
        {
            broken = null;
            while (!_ended && _reader.GetNextEntry() is { } entry)
            {
                _number++;
                if (entry.EntryType is TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes) continue;
                if (entry.DataOffset + entry.Length > _stream.Length)
                {
                    // What follows is not there. The member fails the row that it belongs to; the row before it is whole.
                    _ended = true;
                    return Member(entry, $"the shard ends inside the member '{entry.Name}': {_stream.Length} bytes are there, {entry.DataOffset + entry.Length} are needed. Fetch it again; this row and those behind it are lost.");
                }

                return Member(entry, null);
            }

            return null;
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException or FormatException)
        {
            broken = $"the shard is no whole tar file behind member {_number}: {failure.Message} Fetch it again; rows behind this place are lost.";
            return null;
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _stream.Dispose();
    }

    private ShardMember Member(TarEntry entry, string? problem)
    {
        string file = entry.Name[(entry.Name.LastIndexOf('/') + 1)..];
        int dot = file.IndexOf('.');
        string key = dot < 0 ? entry.Name : entry.Name[..^(file.Length - dot)];
        string extension = dot < 0 ? "" : file[(dot + 1)..].ToLowerInvariant();
        if (problem is not null) return new ShardMember(key, extension, entry.Name, _number, 0, 0, null, problem);
        if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile))
            return new ShardMember(key, extension, entry.Name, _number, 0, 0, null, $"the member '{entry.Name}' is no file but a {entry.EntryType}, which is not followed. Write the file itself into the shard.");
        bool text = ShardSample.IsText(extension);
        int most = text ? _options.MaximumRowBytes : _options.MaximumImageBytes;
        if ((text || PictureEndings.Has(entry.Name)) && entry.Length > most)
        {
            string option = text ? nameof(ShardOptions.MaximumRowBytes) : nameof(ShardOptions.MaximumImageBytes);
            return new ShardMember(key, extension, entry.Name, _number, 0, 0, null, $"the member '{entry.Name}' has {entry.Length} bytes, more than {option} = {most}. Raise it, or take the row out.");
        }

        return new ShardMember(key, extension, entry.Name, _number, entry.DataOffset, entry.Length, text ? ReadText(entry) : null, null);
    }

    private static byte[] ReadText(TarEntry entry)
    {
        var bytes = new byte[entry.Length];
        // An empty member has no stream.
        entry.DataStream?.ReadExactly(bytes);
        return bytes;
    }
}
