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

    public ClassifyZeroShotBatch(ClassifyZeroShotSettings settings, ZeroShotLabels labels, Lease<LanguageImageEncoderModel> model, Device device, DataViewRow row, bool[] activeOutputs, int capacity)
    {
        _outputs = [.. settings.Outputs().Select(output => output.Output)];
        _labels = labels;
        _model = model;
        _vectors = new ImageVectors(model.Value, device, row, settings.InputColumnName, settings.ImageFolder, settings.BatchSize, capacity, settings.ErrorColumnName is not null, _outputs.Where((output, i) => activeOutputs[i] && output != ZeroShotOutput.Error).Any());
    }

    public void Read(int slot) => _vectors.Read(slot);

    public void Run(int count) => _vectors.Run(count);

    public Delegate CreateGetter(int output, Func<int> slot) => _outputs[output] switch
    {
        ZeroShotOutput.PredictedLabel => PredictedLabel(slot),
        ZeroShotOutput.Score => Scores(slot),
        ZeroShotOutput.Error => Errors(slot),
        _ => Probabilities(slot),
    };

    public void Dispose() => _model.Dispose();

    // Keys count from 1; 0 is a missing one.
    private ValueGetter<uint> PredictedLabel(Func<int> slot) => (ref uint value) =>
    {
        int index = slot();
        value = _vectors.IsMissing(index) ? 0 : (uint)TensorPrimitives.IndexOfMax<float>(_labels.Logits(_vectors.Of(index))) + 1;
    };

    private ValueGetter<ReadOnlyMemory<char>> Errors(Func<int> slot) => (ref ReadOnlyMemory<char> value) => value = _vectors.Error(slot()).AsMemory();

    private ValueGetter<VBuffer<float>> Scores(Func<int> slot)
        => (ref VBuffer<float> value) => VectorColumn.Set(ref value, _labels.Logits(_vectors.Of(slot())));

    private ValueGetter<VBuffer<float>> Probabilities(Func<int> slot) => (ref VBuffer<float> value) =>
    {
        float[] probabilities = _labels.Logits(_vectors.Of(slot()));
        TensorPrimitives.Sigmoid<float>(probabilities, probabilities);
        VectorColumn.Set(ref value, probabilities);
    };
}
