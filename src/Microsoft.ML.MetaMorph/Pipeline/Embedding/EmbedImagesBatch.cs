using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of a batch of rows as a column of vectors, and maybe one of errors.</summary>
internal sealed class EmbedImagesBatch : IRowBatch
{
    private readonly Lease<LanguageImageEncoderModel> _model;
    private readonly ImageVectors _vectors;

    public EmbedImagesBatch(EmbedImagesSettings settings, Lease<LanguageImageEncoderModel> model, Device device, DataViewRow row, bool computes, int capacity)
    {
        _model = model;
        _vectors = new ImageVectors(model.Value, device, row, settings.InputColumnName, settings.ImageFolder, settings.BatchSize, capacity, settings.ErrorColumnName is not null, computes);
    }

    public void Read(int slot) => _vectors.Read(slot);

    public void Run(int count) => _vectors.Run(count);

    public Delegate CreateGetter(int output, Func<int> slot) => output == 0 ? Vectors(slot) : Errors(slot);

    public void Dispose() => _model.Dispose();

    private ValueGetter<VBuffer<float>> Vectors(Func<int> slot) => (ref VBuffer<float> value) => VectorColumn.Set(ref value, _vectors.Of(slot()));

    private ValueGetter<ReadOnlyMemory<char>> Errors(Func<int> slot) => (ref ReadOnlyMemory<char> value) => value = _vectors.Error(slot()).AsMemory();
}
