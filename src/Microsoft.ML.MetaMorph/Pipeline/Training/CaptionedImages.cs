using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures with their captions out of a data view, in batches for the encoder's training.</summary>
internal sealed class CaptionedImages(IDataView data, CaptionSettings settings)
{
    private long _rows, _captioned;

    /// <summary>The rows once, in their order; the last batch may be smaller.</summary>
    public IEnumerable<LanguageImageBatch> Once() => Batches(Rows(null, default), keepRest: true);

    /// <summary>Epoch after epoch, each in its own order; batches are full and run on from one epoch into the next.</summary>
    /// <param name="seed">Of the orders.</param>
    /// <param name="from">Where the stream begins; rows before it are passed over without decoding their pictures.</param>
    /// <exception cref="InvalidDataException">There are no rows, not as many as at the place where the stream begins, or none has a caption.</exception>
    public IEnumerable<LanguageImageBatch> Endless(int seed, StreamPlace from = default) => Batches(Epochs(new Random(seed), from), keepRest: false);

    /// <summary>Reads all rows once, to hear of those that cannot be.</summary>
    public void ReadAll(CancellationToken cancellation) => ValidationRows.ReadAll(Rows(null, default), cancellation);

    /// <summary>
    /// Refuses rows whose captions are all empty. One may be; that all are shows only at the end of a pass, or of a training that ends before it.
    /// </summary>
    /// <exception cref="InvalidDataException">No row so far had a caption; the number of rows is named.</exception>
    public void RequireSomethingToLearn()
    {
        if (_rows > 0 && _captioned == 0)
            throw new InvalidDataException($"None of {_rows} rows has anything to learn: {RowErrors.Columns(settings.CaptionColumn)} is empty in each. Fill it, or name the column of captions in {nameof(LanguageImagePretrainingTrainer.Options.CaptionColumnName)}.");
    }

    private IEnumerable<CaptionedImage> Epochs(Random random, StreamPlace from)
    {
        for (int epoch = 0; ; epoch++)
        {
            Random? order = data.CanShuffle ? new Random(random.Next()) : null;
            if (epoch < from.Epoch) continue;
            StreamPlace begin = epoch == from.Epoch ? from : new StreamPlace(epoch, 0);
            // A pass that begins in the middle says nothing of all rows.
            bool isWhole = begin.IsBeginning;
            long before = _rows;
            foreach (CaptionedImage row in Rows(order, begin))
            {
                if (isWhole) _rows++;
                if (isWhole && row.Caption.Length > 0) _captioned++;
                yield return row;
            }

            if (isWhole && _rows == before) throw new InvalidDataException("There are no rows to train on.");
            RequireSomethingToLearn();
        }
    }

    private IEnumerable<CaptionedImage> Rows(Random? random, StreamPlace begin)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([data.Schema[settings.ImageColumn], data.Schema[settings.CaptionColumn]], random);
        var number = new RowNumber(cursor, shuffled: random is not null);
        var images = new ImageColumn(cursor, settings.ImageColumn, settings.Folder);
        var captions = new TextColumn(cursor, settings.CaptionColumn);
        var pictures = new List<RgbImage>();
        long rows = 0;
        for (; RowErrors.MoveNext(cursor); rows++)
        {
            if (rows < begin.Row) continue;
            pictures.Clear();
            images.Decode(number.Current, pictures, settings.Encoding.Check);
            if (pictures.Count != 1) throw RowErrors.At(number.Current, RowErrors.Columns(settings.ImageColumn), $"{pictures.Count} pictures; an encoder learns from rows of exactly 1 picture and its caption.");
            if (rows == begin.Row && !begin.IsBeginning)
            {
                begin.RequireSame(TrainingPicture.MarkOf(pictures[0]));
                continue;
            }

            int[] caption = settings.Texts.Encode(string.Join(" ", captions.Read(number.Current)));
            yield return new CaptionedImage(pictures[0], caption, number.Current, new StreamPlace(begin.Epoch, rows, 1));
        }

        begin.RequireRows(rows);
    }

    private IEnumerable<LanguageImageBatch> Batches(IEnumerable<CaptionedImage> rows, bool keepRest)
    {
        foreach (CaptionedImage[] batch in rows.Chunk(settings.BatchSize))
        {
            if (batch.Length < settings.BatchSize && !keepRest) yield break;
            PreparedPictures pictures = settings.Encoding.Prepare([.. batch.Select(row => row.Picture)]);
            Tensor tensor = torch.tensor(pictures.Values, pictures.Shape).DetachFromDisposeScope();
            yield return new LanguageImageBatch(tensor, [.. batch.Select(row => row.Caption)], [.. batch.Select(row => row.Row)], batch[^1].Next, pictures.Grids);
        }
    }
}

/// <summary>How rows become pictures with captions.</summary>
/// <param name="ImageColumn">The column of pictures.</param>
/// <param name="CaptionColumn">The column of captions.</param>
/// <param name="Folder">Where relative paths start; null for the current folder.</param>
/// <param name="Encoding">Brings pictures into the encoder's form.</param>
/// <param name="Texts">Makes tokens of captions.</param>
/// <param name="BatchSize">Pictures of a step.</param>
internal sealed record CaptionSettings(string ImageColumn, string CaptionColumn, string? Folder, ImageEncoding Encoding, TextTowerTokenizer Texts, int BatchSize);

/// <summary>A picture and what it is to teach.</summary>
/// <param name="Picture">As it was stored.</param>
/// <param name="Caption">Token ids.</param>
/// <param name="Row">The number of its row.</param>
/// <param name="Place">Where it was taken.</param>
internal readonly record struct CaptionedImage(RgbImage Picture, int[] Caption, long Row, StreamPlace Place)
{
    /// <summary>Where the stream goes on behind it.</summary>
    public StreamPlace Next => Place with { Mark = TrainingPicture.MarkOf(Picture) };
}
