using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The pictures of a batch of rows and their visual tokens. A row whose pictures cannot be read says so in the error column and has no tokens, or
/// throws when they are asked for; the others have theirs. Nothing is decoded before a value of the batch is asked for, and no picture whose tokens are kept.
/// </summary>
internal sealed class EncodeImagesBatch : IRowBatch
{
    private readonly EncodeImagesSettings _settings;
    private readonly EncodedOutput[] _outputs;
    private readonly Lease<ImageEncoderModel> _model;
    private readonly VisualTokenStore? _store;
    private readonly Device _device;
    private readonly DataViewRow _row;
    private readonly bool _encodes;
    private readonly ImageColumn[] _columns;
    private readonly List<HeldPicture>[] _held;
    private readonly int[][] _counts;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly int[] _starts;
    private float[] _tokens = [];

    public EncodeImagesBatch(EncodeImagesSettings settings, EncodedOutput[] outputs, Lease<ImageEncoderModel> model, VisualTokenStore? store, Device device, DataViewRow row, bool encodes, int capacity)
    {
        _settings = settings;
        _outputs = outputs;
        _model = model;
        _store = store;
        _device = device;
        _row = row;
        _encodes = encodes;
        _columns = [.. settings.InputColumnNames.Select(name => new ImageColumn(row, name, settings.ImageFolder))];
        _held = [.. Enumerable.Range(0, capacity).Select(_ => new List<HeldPicture>())];
        _counts = [.. Enumerable.Range(0, capacity).Select(_ => new int[_columns.Length])];
        _failures = new ExceptionDispatchInfo?[capacity];
        _starts = new int[capacity + 1];
    }

    public void Read(int slot)
    {
        _held[slot].Clear();
        _failures[slot] = null;
        try
        {
            for (int i = 0; i < _columns.Length; i++)
            {
                HeldPicture[] pictures = _columns[i].Hold(_row.Position);
                _held[slot].AddRange(pictures);
                _counts[slot][i] = pictures.Length;
            }
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            Fail(slot, failure);
        }
    }

    public void Run(int count)
    {
        var all = new List<Encoded>();
        for (int slot = 0; slot < count; slot++)
        {
            _starts[slot] = all.Count;
            if (_failures[slot] is null) Prepare(slot, all);
        }

        _starts[count] = all.Count;
        if (_encodes) _tokens = Encode(all);        // else errors or counts alone are asked for
    }

    public Delegate CreateGetter(int output, Func<int> slot) => _outputs[output] switch
    {
        EncodedOutput.VisualTokens => Tokens(slot),
        EncodedOutput.Error => Error(slot),
        _ => Counts(slot),
    };

    public void Dispose() => _model.Dispose();

    private void Fail(int slot, Exception failure)
    {
        _held[slot].Clear();
        Array.Clear(_counts[slot]);
        _failures[slot] = ExceptionDispatchInfo.Capture(failure);
    }

    /// <summary>Finds the kept tokens of a row's pictures, and decodes those that have none.</summary>
    private void Prepare(int slot, List<Encoded> all)
    {
        try
        {
            Encoded[] pictures = [.. _held[slot].Select(Find)];
            foreach (Encoded picture in pictures.Where(picture => picture.Tokens is null)) picture.Decode(_model.Value.Check);
            all.AddRange(pictures);
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            Fail(slot, failure);
        }
    }

    private Encoded Find(HeldPicture held)
    {
        if (_store is null) return new Encoded(held, content: null, tokens: null);
        string content = _store.ContentOf(held);
        return new Encoded(held, content, _store.Find(content));
    }

    private float[] Encode(List<Encoded> all)
    {
        int length = _model.Value.PictureLength;
        var tokens = new float[checked(all.Count * length)];
        foreach (Encoded[] part in all.Chunk(_settings.BatchSize))
        {
            if (part.Any(picture => picture.Tokens is null)) Compute(part, length);
        }

        for (int i = 0; i < all.Count; i++) all[i].Tokens!.CopyTo(tokens, i * length);
        return tokens;
    }

    /// <summary>
    /// Encodes pictures of which at least one is not kept. Those that are go through the tower with it, as they did when they were first encoded:
    /// what it gives may differ in the last bits with what is beside a picture, and a run that was killed in between is to go on as if it had not been.
    /// </summary>
    private void Compute(Encoded[] part, int length)
    {
        Encoded[] computed = [.. part.Where(picture => picture.CanDecode)];
        float[] values = _model.Value.Encode([.. computed.Select(picture => picture.Decode(_model.Value.Check))], _settings.BatchSize, _device);
        for (int i = 0; i < computed.Length; i++)
        {
            if (computed[i].Tokens is not null) continue;
            computed[i].Tokens = values[(i * length)..((i + 1) * length)];
            _store?.Add(computed[i].Content!, computed[i].Tokens);
        }
    }

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

    /// <summary>A picture on its way to its tokens.</summary>
    private sealed class Encoded(HeldPicture held, string? content, float[]? tokens)
    {
        private RgbImage? _pixels;

        public string? Content => content;

        public float[]? Tokens { get; set; } = tokens;

        /// <summary>Whether there is a picture beside its tokens.</summary>
        public bool CanDecode => _pixels is not null || held.Path is null || File.Exists(held.Path);

        public RgbImage Decode(Action<RgbImage> check) => _pixels ??= held.Decode(check);
    }
}
