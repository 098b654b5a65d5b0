using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures with their captions out of a data view, in batches for the encoder's training.</summary>
internal sealed class CaptionedImages(IDataView data, string imageColumn, string captionColumn, string? folder, ImagePreprocessorConfig preprocessing, LanguageTokenizer tokenizer, int batchSize)
{
    private readonly SiglipImagePreprocessor _preprocessor = new(preprocessing);

    /// <summary>The rows once, in their order; the last batch may be smaller.</summary>
    public IEnumerable<LanguageImageBatch> Once() => Batches(Rows(null), keepRest: true);

    /// <summary>Epoch after epoch, each in its own order; batches are full and run on from one epoch into the next.</summary>
    /// <exception cref="InvalidDataException">There are no rows.</exception>
    public IEnumerable<LanguageImageBatch> Endless(int seed) => Batches(Epochs(new Random(seed)), keepRest: false);

    private IEnumerable<(RgbImage, int[])> Epochs(Random random)
    {
        while (true)
        {
            bool any = false;
            foreach (var row in Rows(data.CanShuffle ? new Random(random.Next()) : null))
            {
                any = true;
                yield return row;
            }

            if (!any) throw new InvalidDataException("There are no rows to train on.");
        }
    }

    private IEnumerable<(RgbImage, int[])> Rows(Random? random)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([data.Schema[imageColumn], data.Schema[captionColumn]], random);
        var images = new ImageColumn(cursor, imageColumn, folder);
        var captions = new TextColumn(cursor, captionColumn);
        var pictures = new List<RgbImage>();
        while (cursor.MoveNext())
        {
            pictures.Clear();
            images.Decode(pictures);
            if (pictures.Count != 1) throw new InvalidDataException($"Row {cursor.Position}, column '{imageColumn}': {pictures.Count} pictures; an encoder learns from rows of exactly 1 picture and its caption.");
            yield return (pictures[0], tokenizer.Encode(string.Join(" ", captions.Read()), addSpecialTokens: false));
        }
    }

    private IEnumerable<LanguageImageBatch> Batches(IEnumerable<(RgbImage Picture, int[] Caption)> rows, bool keepRest)
    {
        foreach ((RgbImage Picture, int[] Caption)[] batch in rows.Chunk(batchSize))
        {
            if (batch.Length < batchSize && !keepRest) yield break;
            float[] pixels = _preprocessor.PreprocessBatch([.. batch.Select(row => row.Picture)]);
            Tensor tensor = torch.tensor(pixels, [batch.Length, 3, _preprocessor.Height, _preprocessor.Width]).DetachFromDisposeScope();
            yield return new LanguageImageBatch(tensor, [.. batch.Select(row => row.Caption)]);
        }
    }
}
