using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The texts of a batch of rows and their unit vectors. A row whose text cannot be read throws when its vector is asked for, or has an error and a vector of NaN; the others have theirs.</summary>
internal sealed class EmbedTextsBatch(EmbeddingSettings settings, Lease<LanguageImageEncoderModel> model, Device device, DataViewRow row, bool computes, int capacity) : IRowBatch
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

    public void Run(int count)
    {
        if (computes) _vectors = model.Value.EmbedTexts(_texts[..count], settings.BatchSize, device);
    }

    public Delegate CreateGetter(int output, Func<int> slot) => output == 0 ? Vectors(slot) : Errors(slot);

    public void Dispose() => model.Dispose();

    private ValueGetter<VBuffer<float>> Vectors(Func<int> slot) => (ref VBuffer<float> value) =>
    {
        int index = slot(), length = model.Value.VectorLength;
        if (settings.ErrorColumnName is null) _failures[index]?.Throw();
        VectorColumn.Set(ref value, _failures[index] is null ? _vectors.AsSpan(index * length, length) : VectorColumn.Missing(length));
    };

    private ValueGetter<ReadOnlyMemory<char>> Errors(Func<int> slot) => (ref ReadOnlyMemory<char> value) => value = (_failures[slot()]?.SourceException.Message ?? "").AsMemory();
}
