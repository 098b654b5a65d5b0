using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of a batch of rows and their visual tokens.</summary>
internal sealed class EncodeImagesBatch : IRowBatch
{
    private readonly EncodeImagesSettings _settings;
    private readonly Lease<ImageEncoderModel> _model;
    private readonly Device _device;
    private readonly ImageColumn[] _columns;
    private readonly List<RgbImage>[] _pictures;
    private readonly int[] _starts;
    private float[] _tokens = [];

    public EncodeImagesBatch(EncodeImagesSettings settings, Lease<ImageEncoderModel> model, Device device, DataViewRow row, int capacity)
    {
        _settings = settings;
        _model = model;
        _device = device;
        _columns = [.. settings.InputColumnNames.Select(name => new ImageColumn(row, name, settings.ImageFolder))];
        _pictures = [.. Enumerable.Range(0, capacity).Select(_ => new List<RgbImage>())];
        _starts = new int[capacity + 1];
    }

    public void Read(int slot)
    {
        List<RgbImage> pictures = _pictures[slot];
        pictures.Clear();
        foreach (ImageColumn column in _columns) column.Decode(pictures);
    }

    public void Run(int count)
    {
        var all = new List<RgbImage>();
        for (int slot = 0; slot < count; slot++)
        {
            _starts[slot] = all.Count;
            all.AddRange(_pictures[slot]);
        }

        _starts[count] = all.Count;
        _tokens = all.Count == 0 ? [] : _model.Value.Encode(all, _settings.BatchSize, _device);
    }

    public Delegate CreateGetter(int output, Func<int> slot) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
    {
        int index = slot();
        int picture = _model.Value.PictureLength;
        ReadOnlySpan<float> tokens = _tokens.AsSpan(_starts[index] * picture, (_starts[index + 1] - _starts[index]) * picture);
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, tokens.Length);
        tokens.CopyTo(editor.Values);
        value = editor.Commit();
    });

    public void Dispose() => _model.Dispose();
}
