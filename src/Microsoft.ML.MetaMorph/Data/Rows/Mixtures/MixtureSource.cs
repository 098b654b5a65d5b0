namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Several sources as one: whose row comes next is drawn by weight. A source that has ended leaves its turns to the others. The draws come from the
/// seed alone, so every pass is the same, and a place in it is found again by passing over the rows before it.
/// </summary>
internal sealed class MixtureSource : RowSource
{
    private readonly RowMixturePart[] _parts;
    private readonly int _seed;

    public MixtureSource(IReadOnlyList<RowMixturePart> parts, int seed)
    {
        if (parts.Count == 0) throw new ArgumentException("The mixture has no parts; give at least one.", nameof(parts));
        for (int i = 0; i < parts.Count; i++) parts[i].Validate(i);
        _parts = [.. parts];
        _seed = seed;
    }

    public override bool ImagesAreFiles => _parts.All(part => part.Source.ImagesAreFiles);

    public override IEnumerable<RowReading> Read()
    {
        var random = new Random(_seed);
        var open = new List<OpenPart>();
        try
        {
            foreach (RowMixturePart part in _parts) open.Add(new OpenPart(part.Weight, Rows(part).GetEnumerator()));
            while (open.Count > 0)
            {
                OpenPart drawn = Draw(open, random);
                if (drawn.Rows.MoveNext())
                {
                    yield return drawn.Rows.Current;
                }
                else
                {
                    drawn.Rows.Dispose();
                    open.Remove(drawn);
                }
            }
        }
        finally
        {
            foreach (OpenPart part in open) part.Rows.Dispose();
        }
    }

    private static OpenPart Draw(List<OpenPart> open, Random random)
    {
        double left = random.NextDouble() * open.Sum(part => part.Weight);
        foreach (OpenPart part in open)
        {
            left -= part.Weight;
            if (left < 0) return part;
        }

        return open[^1];
    }

    /// <summary>The rows of one part, up to its limit; problems are told and not counted.</summary>
    private static IEnumerable<RowReading> Rows(RowMixturePart part)
    {
        long rows = 0, before;
        do
        {
            before = rows;
            foreach (RowReading reading in part.Source.Read())
            {
                if (reading.Row is not null) rows++;
                yield return reading;
                if (rows == part.Limit) yield break;
            }
        }
        // A pass without a row would be followed by others like it.
        while (part.Repeat && rows > before);
    }

    private sealed record OpenPart(double Weight, IEnumerator<RowReading> Rows);
}
