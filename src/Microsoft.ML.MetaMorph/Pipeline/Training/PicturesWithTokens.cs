using TorchSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures and their visual tokens out of a data view, in batches for a visualizer's training. A row of several pictures gives several.</summary>
/// <param name="data">The rows.</param>
/// <param name="settings">How their pictures are read.</param>
/// <param name="tokens">Where their visual tokens are.</param>
internal sealed class PicturesWithTokens(IDataView data, PictureSettings settings, TokenSettings tokens)
{
    private readonly TrainingPictures _pictures = new(data, settings, tokens);

    /// <inheritdoc cref="TrainingPictures.Once"/>
    public IEnumerable<VisualizerBatch> Once() => _pictures.Once().Select(Batch);

    /// <summary>The first pictures, in their order, as many as there are; at least one is needed.</summary>
    public VisualizerBatch First(int count) => Batch(_pictures.First(count));

    /// <inheritdoc cref="TrainingPictures.Endless"/>
    public IEnumerable<VisualizerBatch> Endless(int seed, StreamPlace from = default) => _pictures.Endless(seed, from).Select(Batch);

    /// <summary>Reads all pictures and tokens once, to hear of those that cannot be.</summary>
    public void ReadAll(CancellationToken cancellation) => ValidationRows.ReadAll(_pictures.Once(), cancellation);

    private VisualizerBatch Batch(TrainingPicture[] pictures)
    {
        int length = tokens.Count * tokens.Width;
        var values = new float[pictures.Length * length];
        for (int i = 0; i < pictures.Length; i++) pictures[i].Tokens.CopyTo(values.AsMemory(i * length));
        return new VisualizerBatch(
            _pictures.Pixels(pictures),
            torch.tensor(values, [pictures.Length, tokens.Count, tokens.Width]).DetachFromDisposeScope(),
            [.. pictures.Select(picture => picture.Row)],
            pictures[^1].Next);
    }
}
