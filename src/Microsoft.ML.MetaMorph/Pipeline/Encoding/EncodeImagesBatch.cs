using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of a batch of rows and their visual tokens. A row whose pictures cannot be read says so in the error column and has no tokens, or throws when they are asked for; the others have theirs.</summary>
internal sealed class EncodeImagesBatch : IRowBatch
{
    private readonly EncodeImagesSettings _settings;
    private readonly EncodedOutput[] _outputs;
    private readonly Lease<ImageEncoderModel> _model;
    private readonly Device _device;
    private readonly DataViewRow _row;
    private readonly bool _encodes;
    private readonly ImageColumn[] _columns;
    private readonly List<RgbImage>[] _pictures;
    private readonly int[][] _counts;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly int[] _starts;
    private float[] _tokens = [];

    public EncodeImagesBatch(EncodeImagesSettings settings, EncodedOutput[] outputs, Lease<ImageEncoderModel> model, Device device, DataViewRow row, bool encodes, int capacity)
    {
        _settings = settings;
        _outputs = outputs;
        _model = model;
        _device = device;
        _row = row;
        _encodes = encodes;
        _columns = [.. settings.InputColumnNames.Select(name => new ImageColumn(row, name, settings.ImageFolder))];
        _pictures = [.. Enumerable.Range(0, capacity).Select(_ => new List<RgbImage>())];
        _counts = [.. Enumerable.Range(0, capacity).Select(_ => new int[_columns.Length])];
        _failures = new ExceptionDispatchInfo?[capacity];
        _starts = new int[capacity + 1];
    }

    public void Read(int slot)
    {
        List<RgbImage> pictures = _pictures[slot];
        pictures.Clear();
        int[] counts = _counts[slot];
        _failures[slot] = null;
        try
        {
            for (int i = 0; i < _columns.Length; i++)
            {
                int before = pictures.Count;
                _columns[i].Decode(_row.Position, pictures, _model.Value.Check);
                counts[i] = pictures.Count - before;
            }
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            pictures.Clear();
            Array.Clear(counts);
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    public void Run(int count)
    {
        if (!_encodes) return;        // errors or counts alone are asked for
        var all = new List<RgbImage>();
        for (int slot = 0; slot < count; slot++)
        {
            _starts[slot] = all.Count;
            all.AddRange(_pictures[slot]);
        }

        _starts[count] = all.Count;
        _tokens = all.Count == 0 ? [] : _model.Value.Encode(all, _settings.BatchSize, _device);
    }

    public Delegate CreateGetter(int output, Func<int> slot) => _outputs[output] switch
    {
        EncodedOutput.VisualTokens => Tokens(slot),
        EncodedOutput.Error => Error(slot),
        _ => Counts(slot),
    };

    public void Dispose() => _model.Dispose();

    private ValueGetter<ReadOnlyMemory<char>> Error(Func<int> slot)
        => (ref ReadOnlyMemory<char> value) => value = (_failures[slot()]?.SourceException.Message ?? "").AsMemory();

    private ValueGetter<VBuffer<int>> Counts(Func<int> slot) => (ref VBuffer<int> value) =>
    {
        int index = slot();
        if (_settings.ErrorColumnName is null) _failures[index]?.Throw();
        VBufferEditor<int> editor = VBufferEditor.Create(ref value, _columns.Length);
        _counts[index].CopyTo(editor.Values);
        value = editor.Commit();
    };

    private ValueGetter<VBuffer<float>> Tokens(Func<int> slot) => (ref VBuffer<float> value) =>
    {
        int index = slot();
        // With an error column a row that could not be read is one without pictures.
        if (_settings.ErrorColumnName is null) _failures[index]?.Throw();
        int picture = _model.Value.PictureLength;
        ReadOnlySpan<float> tokens = _tokens.AsSpan(_starts[index] * picture, (_starts[index + 1] - _starts[index]) * picture);
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, tokens.Length);
        tokens.CopyTo(editor.Values);
        value = editor.Commit();
    };
}
