using TorchSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures and their visual tokens out of a data view, in batches for a visualizer's training. A row of several pictures gives several.</summary>
/// <param name="data">The rows.</param>
/// <param name="imageColumns">The columns of pictures, in the order in which the tokens follow each other.</param>
/// <param name="tokensColumn">Their visual tokens.</param>
/// <param name="folder">Where relative paths start.</param>
/// <param name="size">Height and width to which pictures are resized.</param>
/// <param name="aspectRatio">What becomes of a picture that is not square; as for the encoder.</param>
/// <param name="count">N.</param>
/// <param name="width">D.</param>
/// <param name="batchSize">Pictures of a batch.</param>
internal sealed class PicturesWithTokens(IDataView data, IReadOnlyList<string> imageColumns, string tokensColumn, string? folder, int size, ImageAspectRatio aspectRatio, int count, int width, int batchSize)
{
    // The picture itself, from 0 to 1: its mean and deviation are the visualizer's affair.
    private readonly SiglipImagePreprocessor _preprocessor = new(new ImagePreprocessorConfig { Height = size, Width = size, Normalize = false, AspectRatio = aspectRatio });

    /// <summary>The pictures once, in their order; the last batch may be smaller.</summary>
    public IEnumerable<VisualizerBatch> Once() => Batches(Pictures(null), keepRest: true);

    /// <summary>Epoch after epoch, each in its own order; batches are full and run on from one epoch into the next.</summary>
    /// <exception cref="InvalidDataException">There are no pictures.</exception>
    public IEnumerable<VisualizerBatch> Endless(int seed) => Batches(Epochs(new Random(seed)), keepRest: false);

    private IEnumerable<PictureWithTokens> Epochs(Random random)
    {
        while (true)
        {
            bool any = false;
            foreach (PictureWithTokens picture in Pictures(data.CanShuffle ? new Random(random.Next()) : null))
            {
                any = true;
                yield return picture;
            }

            if (!any) throw new InvalidDataException($"There are no pictures to train on: {RowErrors.Columns(imageColumns)}: empty in every row.");
        }
    }

    private IEnumerable<PictureWithTokens> Pictures(Random? random)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([.. imageColumns.Select(name => data.Schema[name]), data.Schema[tokensColumn]], random);
        var number = new RowNumber(cursor, shuffled: random is not null);
        ImageColumn[] images = [.. imageColumns.Select(name => new ImageColumn(cursor, name, folder))];
        var tokens = new VisualTokensColumn(cursor, tokensColumn, count, width);
        var pictures = new List<RgbImage>();
        while (RowErrors.MoveNext(cursor))
        {
            pictures.Clear();
            foreach (ImageColumn column in images) column.Decode(number.Current, pictures, _preprocessor.Check);
            float[] values = tokens.Read(number.Current);
            if (values.Length != pictures.Count * count * width)
                throw RowErrors.At(number.Current, RowErrors.Columns([.. imageColumns, tokensColumn]), $"{pictures.Count} pictures, but the visual tokens of {values.Length / (count * width)}. Encode the same columns, in the same order.");
            for (int i = 0; i < pictures.Count; i++) yield return new PictureWithTokens(pictures[i], values.AsMemory(i * count * width, count * width), number.Current);
        }
    }

    private IEnumerable<VisualizerBatch> Batches(IEnumerable<PictureWithTokens> pictures, bool keepRest)
    {
        foreach (PictureWithTokens[] batch in pictures.Chunk(batchSize))
        {
            if (batch.Length < batchSize && !keepRest) yield break;
            float[] pixels = _preprocessor.PreprocessBatch([.. batch.Select(item => item.Picture)]);
            var tokens = new float[batch.Length * count * width];
            for (int i = 0; i < batch.Length; i++) batch[i].Tokens.CopyTo(tokens.AsMemory(i * count * width));
            yield return new VisualizerBatch(
                torch.tensor(pixels, [batch.Length, 3, size, size]).DetachFromDisposeScope(),
                torch.tensor(tokens, [batch.Length, count, width]).DetachFromDisposeScope(),
                [.. batch.Select(item => item.Row)]);
        }
    }

    private readonly record struct PictureWithTokens(RgbImage Picture, ReadOnlyMemory<float> Tokens, long Row);
}
