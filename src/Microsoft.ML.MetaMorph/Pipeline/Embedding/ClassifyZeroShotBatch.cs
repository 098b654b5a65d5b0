using Microsoft.ML.Data;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of a batch of rows and how well they fit the labels.</summary>
internal sealed class ClassifyZeroShotBatch : IRowBatch
{
    private readonly ZeroShotOutput[] _outputs;
    private readonly ZeroShotLabels _labels;
    private readonly Lease<LanguageImageEncoderModel> _model;
    private readonly ImageVectors _vectors;

    public ClassifyZeroShotBatch(ClassifyZeroShotSettings settings, ZeroShotLabels labels, Lease<LanguageImageEncoderModel> model, Device device, DataViewRow row, int capacity)
    {
        _outputs = [.. settings.Outputs().Select(output => output.Output)];
        _labels = labels;
        _model = model;
        _vectors = new ImageVectors(model.Value, device, row, settings.InputColumnName, settings.ImageFolder, settings.BatchSize, capacity);
    }

    public void Read(int slot) => _vectors.Read(slot);

    public void Run(int count) => _vectors.Run(count);

    public Delegate CreateGetter(int output, Func<int> slot) => _outputs[output] switch
    {
        ZeroShotOutput.PredictedLabel => PredictedLabel(slot),
        ZeroShotOutput.Score => Scores(slot),
        _ => Probabilities(slot),
    };

    public void Dispose() => _model.Dispose();

    // Keys count from 1; 0 would be a missing one.
    private ValueGetter<uint> PredictedLabel(Func<int> slot)
        => (ref uint value) => value = (uint)TensorPrimitives.IndexOfMax<float>(_labels.Logits(_vectors.Of(slot()))) + 1;

    private ValueGetter<VBuffer<float>> Scores(Func<int> slot)
        => (ref VBuffer<float> value) => VectorColumn.Set(ref value, _labels.Logits(_vectors.Of(slot())));

    private ValueGetter<VBuffer<float>> Probabilities(Func<int> slot) => (ref VBuffer<float> value) =>
    {
        float[] probabilities = _labels.Logits(_vectors.Of(slot()));
        TensorPrimitives.Sigmoid<float>(probabilities, probabilities);
        VectorColumn.Set(ref value, probabilities);
    };
}
