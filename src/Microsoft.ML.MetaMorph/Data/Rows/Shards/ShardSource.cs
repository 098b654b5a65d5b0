namespace Microsoft.ML.MetaMorph;

/// <summary>WebDataset shards: tar files whose members belong together by key, a picture and its caption or conversation.</summary>
internal sealed class ShardSource : RowSource
{
    private readonly IReadOnlyList<string> _files;
    private readonly ShardOptions _options;
    private readonly CaptionRows _captions;

    public ShardSource(IReadOnlyList<string> files, ShardOptions options)
    {
        _files = SourceFiles.Require(files);
        // As they are now: they may be changed and used for another source.
        _options = new ShardOptions { TextField = options.TextField, MaximumRowBytes = options.MaximumRowBytes, MaximumImageBytes = options.MaximumImageBytes };
        _captions = new CaptionRows(options.Captions);
    }

    public override IEnumerable<RowReading> Read() => _files.SelectMany(file => Read(file));

    private IEnumerable<RowReading> Read(string file)
    {
        if (IsCompressed(file))
        {
            yield return RowReading.Failed(new RowPlace(file, 0), "the shard is compressed (gzip), and pictures in it could be read from its beginning on only. Unpack it with gunzip.");
            yield break;
        }

        using var reader = new ShardReader(file, _options);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        ShardSample? sample = null;
        long number = 0;
        string? broken;
        long last = 0;
        while (reader.Next(out broken) is { } member)
        {
            last = member.Number;
            if (sample is not null && sample.Key == member.Key)
            {
                sample.Add(member);
                continue;
            }

            foreach (RowReading reading in Finish(sample, number++, keys)) yield return reading;
            sample = new ShardSample(file, _options.TextField, member);
        }

        // Of a row that the shard breaks off in, members may be missing: it is not taken for a whole one.
        if (broken is not null) yield return RowReading.Failed(sample?.Place ?? new RowPlace(file, last + 1, "member"), broken);
        else foreach (RowReading reading in Finish(sample, number, keys)) yield return reading;
    }

    private IEnumerable<RowReading> Finish(ShardSample? sample, long number, HashSet<string> keys)
        => sample is null ? [] : sample.Rows(_captions, number, repeated: !keys.Add(sample.Key));

    private static bool IsCompressed(string file)
    {
        using FileStream stream = SourceFiles.Open(file);
        return stream.ReadByte() == 0x1F && stream.ReadByte() == 0x8B;
    }
}
