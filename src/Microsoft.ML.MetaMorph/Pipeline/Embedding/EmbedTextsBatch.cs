using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The texts of a batch of rows and their unit vectors. A row whose text cannot be read throws when its vector is asked for; the others have theirs.</summary>
internal sealed class EmbedTextsBatch(EmbedTextsSettings settings, Lease<LanguageImageEncoderModel> model, Device device, DataViewRow row, int capacity) : IRowBatch
{
    private readonly TextColumn _column = new(row, settings.InputColumnName);
    private readonly string[] _texts = new string[capacity];
    private readonly ExceptionDispatchInfo?[] _failures = new ExceptionDispatchInfo?[capacity];
    private float[] _vectors = [];

    public void Read(int slot)
    {
        (_texts[slot], _failures[slot]) = ("", null);
        try
        {
            _texts[slot] = string.Join(' ', _column.Read(row.Position));
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    public void Run(int count) => _vectors = model.Value.EmbedTexts(_texts[..count], settings.BatchSize, device);

    public Delegate CreateGetter(int output, Func<int> slot) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
    {
        int index = slot(), length = model.Value.VectorLength;
        _failures[index]?.Throw();
        VectorColumn.Set(ref value, _vectors.AsSpan(index * length, length));
    });

    public void Dispose() => model.Dispose();
}
