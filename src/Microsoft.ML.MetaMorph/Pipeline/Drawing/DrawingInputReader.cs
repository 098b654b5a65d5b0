namespace Microsoft.ML.MetaMorph;

/// <summary>Reads from the columns of a row what its pictures are drawn from.</summary>
internal sealed class DrawingInputReader
{
    private readonly DataViewRow _row;
    private readonly GenerateImagesSettings _settings;
    private readonly int _pictureLength;
    private readonly (int Height, int Width) _size;
    private readonly long _seed;
    private readonly VisualTokensColumn _tokens;
    private readonly VisualTokensColumn? _negative;
    private readonly ImageColumn? _start;
    private readonly SeedColumn? _seeds;
    private readonly TextColumn? _errors;

    /// <param name="row">The row that moves.</param>
    /// <param name="settings">Names the columns.</param>
    /// <param name="config">The visualizer's.</param>
    /// <param name="tokenCount">N.</param>
    /// <param name="size">Height and width of what is drawn.</param>
    /// <param name="seed">The seed of rows that have none of their own.</param>
    public DrawingInputReader(DataViewRow row, GenerateImagesSettings settings, VisualTokenAdapterConfig config, int tokenCount, (int Height, int Width) size, long seed)
    {
        (_row, _settings, _size, _seed) = (row, settings, size, seed);
        _pictureLength = tokenCount * config.InputWidth;
        _errors = settings.InputErrorColumnName is { } errors ? new TextColumn(row, errors) : null;
        _tokens = new VisualTokensColumn(row, settings.InputColumnName, tokenCount, config.InputWidth);
        _negative = settings.NegativeTokensColumnName is { } negative ? new VisualTokensColumn(row, negative, tokenCount, config.InputWidth) : null;
        _start = settings.StartImageColumnName is { } start ? new ImageColumn(row, start, folder: null) : null;
        _seeds = settings.SeedColumnName is { } seeds ? new SeedColumn(row, seeds) : null;
    }

    /// <summary>The pictures of the row on which the input stands, as many as are wanted.</summary>
    /// <exception cref="InvalidDataException">A value cannot be used; row and column are named.</exception>
    public DrawingInput[] Read()
    {
        // It names its row already.
        if (_errors?.Read(_row.Position).FirstOrDefault(text => text.Length > 0) is { } error) throw new InvalidDataException(error);
        int used = _settings.OutputFolder is null ? _settings.MaximumImages : int.MaxValue;
        float[] tokens = _tokens.Read(_row.Position, used);
        int present = tokens.Length / _pictureLength;
        float[] negative = Negative(present, used);
        RgbImage? start = Start();
        long seed = Seed();
        // Each picture of a row has noise of its own, whatever stands in the other rows.
        return [.. Enumerable.Range(0, Math.Min(present, used)).Select(i => new DrawingInput(_row.Position, i, seed + i, Part(tokens, i), start, negative.Length == 0 ? default(ReadOnlyMemory<float>?) : Part(negative, i)))];
    }

    private ReadOnlyMemory<float> Part(float[] values, int picture) => values.AsMemory(picture * _pictureLength, _pictureLength);

    private long Seed()
    {
        try
        {
            return _seeds?.Read() ?? _seed;
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            throw RowErrors.Named(failure, _row.Position, RowErrors.Columns(_settings.SeedColumnName));
        }
    }

    private float[] Negative(int present, int used)
    {
        if (_negative is null) return [];
        float[] values = _negative.Read(_row.Position, used);
        int count = values.Length / _pictureLength;
        return count == 0 || count == present ? values : throw RowErrors.At(
            _row.Position,
            RowErrors.Columns(_settings.NegativeTokensColumnName),
            $"the negative tokens are those of {count} pictures, but '{_settings.InputColumnName}' has those of {present}. Give as many, or none for a row that is led away from nothing.");
    }

    private RgbImage? Start()
    {
        if (_start is null) return null;
        var pictures = new List<RgbImage>();
        _start.Decode(_row.Position, pictures, RequireSize);
        return pictures.Count == 0 ? null : pictures[0];
    }

    private void RequireSize(RgbImage picture)
    {
        if ((picture.Height, picture.Width) != _size)
            throw new InvalidDataException($"the picture to start from has {picture.Width}x{picture.Height} pixels, but {_size.Width}x{_size.Height} are drawn. Resize it (ResizeImages), or set Width and Height of the {nameof(ImageGenerationOptions)}.");
    }
}
