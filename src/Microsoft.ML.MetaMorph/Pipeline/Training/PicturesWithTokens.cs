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

    /// <inheritdoc cref="TrainingPictures.Endless"/>
    public IEnumerable<VisualizerBatch> Endless(int seed) => _pictures.Endless(seed).Select(Batch);

    private VisualizerBatch Batch(TrainingPicture[] pictures)
    {
        int length = tokens.Count * tokens.Width;
        var values = new float[pictures.Length * length];
        for (int i = 0; i < pictures.Length; i++) pictures[i].Tokens.CopyTo(values.AsMemory(i * length));
        return new VisualizerBatch(
            _pictures.Pixels(pictures),
            torch.tensor(values, [pictures.Length, tokens.Count, tokens.Width]).DetachFromDisposeScope(),
            [.. pictures.Select(picture => picture.Row)]);
    }
}
