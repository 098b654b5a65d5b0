using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of an image encoder and the tower over them, once a device. Calls take turns.</summary>
internal sealed class ImageEncoderModel : IDisposable
{
    private readonly Lock _turn = new();
    private readonly Func<Device, SiglipVisionModel> _build;
    private readonly IDisposable? _storage;
    private readonly Dictionary<string, SiglipVisionModel> _towers = [];
    private readonly SiglipImagePreprocessor _preprocessor;
    private bool _disposed;

    /// <param name="settings">Sizes and reduction.</param>
    /// <param name="build">Makes the tower on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    public ImageEncoderModel(ImageEncoderSettings settings, Func<Device, SiglipVisionModel> build, IDisposable? storage)
    {
        settings.Check();
        Settings = settings;
        _build = build;
        _storage = storage;
        _preprocessor = new SiglipImagePreprocessor(settings.Preprocessing);
    }

    public ImageEncoderSettings Settings { get; }

    /// <summary>The values of one picture's visual tokens.</summary>
    public int PictureLength => Settings.Tokens.Count * Settings.TokenWidth;

    /// <summary>Encodes pictures: their visual tokens one after another, <c>[pictures, N, D]</c>.</summary>
    /// <param name="pictures">Any number, of any sizes.</param>
    /// <param name="perCall">How many go through the tower at a time.</param>
    /// <param name="device">Where to compute.</param>
    public float[] Encode(IReadOnlyList<RgbImage> pictures, int perCall, Device device)
    {
        var tokens = new float[checked(pictures.Count * PictureLength)];
        for (int start = 0; start < pictures.Count; start += perCall)
        {
            int count = Math.Min(perCall, pictures.Count - start);
            RgbImage[] part = [.. pictures.Skip(start).Take(count)];
            float[] pixels = _preprocessor.PreprocessBatch(part);
            Encode(pixels, count, device).CopyTo(tokens.AsSpan(start * PictureLength));
        }

        return tokens;
    }

    /// <summary>Makes the tower of a device now; what it is made from may go afterwards.</summary>
    public void Prepare(Device device)
    {
        lock (_turn) Tower(device);
    }

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Parameters()
    {
        lock (_turn)
        {
            return [.. Tower(CPU).named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];
        }
    }

    public void Dispose()
    {
        lock (_turn)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (SiglipVisionModel tower in _towers.Values) tower.Dispose();
            _towers.Clear();
            _storage?.Dispose();
        }
    }

    // No-grad and dispose scopes belong to a thread: they are set where the work is, for a stock mapper may call from any thread.
    private float[] Encode(float[] pixels, int count, Device device)
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            using var mode = no_grad();
            using var scope = NewDisposeScope();
            var encoder = new VisualTokenEncoder(Tower(device).Transformer, Settings.Tokens);
            SiglipVisionConfig vision = Settings.Vision;
            Tensor input = tensor(pixels, [count, vision.Channels, vision.ImageSize, vision.ImageSize], device: device);
            Tensor output = encoder.Encode(input).to(CPU).contiguous();
            return TensorMemory.Span<float>(output).ToArray();
        }
    }

    private SiglipVisionModel Tower(Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_towers.TryGetValue(device.ToString(), out SiglipVisionModel? tower)) return tower;
        using (no_grad())
        {
            tower = _build(device);
        }

        tower.eval();
        PrecisionProbe.Apply(tower, PrecisionProbe.Resolve(Settings.Precision, device));
        _towers[device.ToString()] = tower;
        return tower;
    }
}
