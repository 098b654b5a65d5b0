using Microsoft.ML.Data;
using TorchSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures out of a data view, with or without their visual tokens, as many together as a step takes. A row of several pictures gives several.</summary>
/// <remarks>
/// A stream that begins at a place in the middle gives the pictures that one from the beginning gives from there on, in the same order: rows
/// before the place are passed over without decoding their pictures. Their visual tokens are read again where they are kept, in the order of the
/// first epoch: what is computed of several rows together may differ in its last bits where others are together.
/// </remarks>
/// <param name="data">The rows.</param>
/// <param name="settings">How their pictures are read.</param>
/// <param name="tokens">Where their visual tokens are; null where none are needed.</param>
internal sealed class TrainingPictures(IDataView data, PictureSettings settings, TokenSettings? tokens = null)
{
    // The picture itself, from 0 to 1: its mean and deviation are the model's affair.
    private readonly SiglipImagePreprocessor _preprocessor = settings.Preprocessor();

    /// <summary>The pictures once, in their order; the last batch may be smaller.</summary>
    public IEnumerable<TrainingPicture[]> Once() => Pictures(null, default).Chunk(settings.BatchSize);

    /// <summary>The first pictures, in their order, as many as there are.</summary>
    public TrainingPicture[] First(int count) => [.. Pictures(null, default).Take(count)];

    /// <summary>Epoch after epoch, each in its own order; batches are full and run on from one epoch into the next.</summary>
    /// <param name="seed">Of the orders.</param>
    /// <param name="from">Where the stream begins.</param>
    /// <exception cref="InvalidDataException">There are no pictures, or not as many as at the place where the stream begins.</exception>
    public IEnumerable<TrainingPicture[]> Endless(int seed, StreamPlace from = default) => Epochs(new Random(seed), from).Chunk(settings.BatchSize);

    /// <summary>The values of pictures, <c>[b, 3, H, W]</c> in 0 … 1; the caller disposes them.</summary>
    public torch.Tensor Pixels(TrainingPicture[] pictures)
    {
        float[] pixels = _preprocessor.PreprocessBatch([.. pictures.Select(picture => picture.Picture)]);
        return torch.tensor(pixels, [pictures.Length, 3, settings.Size, settings.Size]).DetachFromDisposeScope();
    }

    /// <summary>The pictures once, in batches of an autoencoder's training.</summary>
    public IEnumerable<PictureBatch> BatchesOnce() => Once().Select(Batch);

    /// <summary>Epoch after epoch, in batches of an autoencoder's training.</summary>
    public IEnumerable<PictureBatch> EndlessBatches(int seed, StreamPlace from = default) => Endless(seed, from).Select(Batch);

    /// <summary>Some pictures of one epoch in its own order, in batches of an autoencoder's training.</summary>
    public IEnumerable<PictureBatch> SomeBatches(int seed, int count) => Pictures(data.CanShuffle ? new Random(seed) : null, default).Take(count).Chunk(settings.BatchSize).Select(Batch);

    private PictureBatch Batch(TrainingPicture[] pictures) => new(Pixels(pictures), [.. pictures.Select(picture => picture.Row)], pictures[^1].Next);

    private IEnumerable<TrainingPicture> Epochs(Random random, StreamPlace from)
    {
        for (int epoch = 0; ; epoch++)
        {
            Random? order = data.CanShuffle ? new Random(random.Next()) : null;
            if (epoch < from.Epoch)
            {
                if (epoch == 0 && tokens?.Cache is { } cache) Keep(order, tokens, cache);
                continue;
            }

            StreamPlace begin = epoch == from.Epoch ? from : new StreamPlace(epoch, 0);
            bool any = !begin.IsBeginning;
            foreach (TrainingPicture picture in Pictures(order, begin))
            {
                any = true;
                yield return picture;
            }

            if (!any) throw new InvalidDataException($"There are no pictures to train on: {RowErrors.Columns(settings.ImageColumns)}: empty in every row.");
        }
    }

    private IEnumerable<TrainingPicture> Pictures(Random? random, StreamPlace begin)
    {
        using DataViewRowCursor cursor = Open(random);
        var number = new RowNumber(cursor, shuffled: random is not null);
        ImageColumn[] images = [.. settings.ImageColumns.Select(name => new ImageColumn(cursor, name, settings.Folder))];
        Func<long, float[]>? read = tokens is null ? null : TokenReader(cursor, tokens);
        var pictures = new List<RgbImage>();
        long rows = 0;
        for (; RowErrors.MoveNext(cursor); rows++)
        {
            if (rows < begin.Row)
            {
                if (begin.Epoch == 0 && tokens?.Cache is not null) read!(number.Current);
                continue;
            }

            pictures.Clear();
            foreach (ImageColumn image in images) image.Decode(number.Current, pictures, _preprocessor.Check);
            float[] values = read?.Invoke(number.Current) ?? [];
            int length = tokens is null ? 0 : tokens.Count * tokens.Width;
            if (tokens is not null && values.Length != pictures.Count * length)
                throw RowErrors.At(number.Current, RowErrors.Columns([.. settings.ImageColumns, tokens.Column]), $"{pictures.Count} pictures, but the visual tokens of {values.Length / length}. Encode the same columns, in the same order.");
            int taken = rows == begin.Row ? begin.Picture : 0;
            if (taken > 0) begin.RequireSame(taken <= pictures.Count ? TrainingPicture.MarkOf(pictures[taken - 1]) : null);
            for (int i = taken; i < pictures.Count; i++)
                yield return new TrainingPicture(pictures[i], values.AsMemory(i * length, length), number.Current, new StreamPlace(begin.Epoch, rows, i + 1));
        }

        begin.RequireRows(rows);
        tokens?.Cache?.EndPass(rows);
    }

    /// <summary>Keeps the visual tokens of a first epoch that an earlier run trained on.</summary>
    private void Keep(Random? random, TokenSettings kept, TokenCache cache)
    {
        using DataViewRowCursor cursor = Open(random);
        var number = new RowNumber(cursor, shuffled: random is not null);
        Func<long, float[]> read = TokenReader(cursor, kept);
        long rows = 0;
        for (; RowErrors.MoveNext(cursor); rows++) read(number.Current);
        cache.EndPass(rows);
    }

    private DataViewRowCursor Open(Random? random) => data.GetRowCursor([.. Columns().Select(name => data.Schema[name])], random);

    /// <summary>The columns that are read: where all tokens are kept, theirs is left alone, and what computes it does nothing.</summary>
    private IEnumerable<string> Columns() => tokens is null || tokens.Cache is { IsComplete: true } ? settings.ImageColumns : settings.ImageColumns.Append(tokens.Column);

    private static Func<long, float[]> TokenReader(DataViewRowCursor cursor, TokenSettings tokens)
    {
        VisualTokensColumn? column = tokens.Cache is { IsComplete: true } ? null : new VisualTokensColumn(cursor, tokens.Column, tokens.Count, tokens.Width);
        if (tokens.Cache is not { } cache) return row => column!.Read(row);
        ValueGetter<DataViewRowId> getId = cursor.GetIdGetter();
        return row =>
        {
            DataViewRowId id = default;
            getId(ref id);
            if (cache.Find(id) is { } kept) return kept;
            if (column is null) throw RowErrors.At(row, RowErrors.Columns(tokens.Column), $"its id ({id}) was not there in the first epoch, so its visual tokens were not kept. Set {nameof(VisualizerTrainer.Options.TokenCacheMegabytes)} to 0.");
            float[] values = column.Read(row);
            cache.Add(id, values);
            return values;
        };
    }
}

/// <summary>How rows become pictures of one size.</summary>
/// <param name="ImageColumns">The columns of pictures, in the order in which visual tokens follow each other.</param>
/// <param name="Folder">Where relative paths start.</param>
/// <param name="Size">Height and width to which pictures are resized.</param>
/// <param name="AspectRatio">What becomes of a picture that is not square.</param>
/// <param name="BatchSize">Pictures of a batch.</param>
internal sealed record PictureSettings(IReadOnlyList<string> ImageColumns, string? Folder, int Size, ImageAspectRatio AspectRatio, int BatchSize)
{
    /// <summary>Brings a picture to its size, with values from 0 to 1.</summary>
    public SiglipImagePreprocessor Preprocessor() => new(new ImagePreprocessorConfig { Height = Size, Width = Size, Normalize = false, AspectRatio = AspectRatio });
}

/// <summary>Where visual tokens are.</summary>
/// <param name="Column">Their column.</param>
/// <param name="Count">N.</param>
/// <param name="Width">D.</param>
/// <param name="Cache">Keeps those that were read; its owner disposes it. Null: every epoch reads them again.</param>
internal sealed record TokenSettings(string Column, int Count, int Width, TokenCache? Cache = null);

/// <summary>A picture to learn from.</summary>
/// <param name="Picture">As it was stored.</param>
/// <param name="Tokens">Its visual tokens; empty where none are needed.</param>
/// <param name="Row">The number of its row.</param>
/// <param name="Place">Where it was taken.</param>
internal readonly record struct TrainingPicture(RgbImage Picture, ReadOnlyMemory<float> Tokens, long Row, StreamPlace Place)
{
    /// <summary>Where the stream goes on behind it.</summary>
    public StreamPlace Next => Place with { Mark = MarkOf(Picture) };

    /// <summary>The checksum of a picture.</summary>
    public static uint MarkOf(RgbImage picture) => Crc32.Update(0, picture.Pixels);
}
