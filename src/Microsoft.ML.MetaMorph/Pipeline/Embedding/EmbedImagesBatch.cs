using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of a batch of rows as a column of vectors.</summary>
internal sealed class EmbedImagesBatch(EmbedImagesSettings settings, Lease<LanguageImageEncoderModel> model, Device device, DataViewRow row, int capacity) : IRowBatch
{
    private readonly ImageVectors _vectors = new(model.Value, device, row, settings.InputColumnName, settings.ImageFolder, settings.BatchSize, capacity);

    public void Read(int slot) => _vectors.Read(slot);

    public void Run(int count) => _vectors.Run(count);

    public Delegate CreateGetter(int output, Func<int> slot) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => VectorColumn.Set(ref value, _vectors.Of(slot())));

    public void Dispose() => model.Dispose();
}
