using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of an image encoder and the tower over them, once a device. Calls take turns.</summary>
internal sealed class ImageEncoderModel : IDisposable
{
    private readonly Lock _turn = new();
    private readonly ImageEncoding _encoding;
    private readonly Func<Device, ParameterSource> _parameters;
    private readonly IDisposable? _storage;
    private readonly Dictionary<string, nn.Module> _towers = [];
    private bool _disposed;

    /// <param name="settings">Sizes and reduction.</param>
    /// <param name="parameters">Gives the tower's parameters on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    /// <exception cref="InvalidDataException">Tower and preprocessor do not belong together.</exception>
    /// <exception cref="ArgumentException">The tower cannot give such tokens.</exception>
    public ImageEncoderModel(ImageEncoderSettings settings, Func<Device, ParameterSource> parameters, IDisposable? storage)
    {
        Settings = settings;
        _encoding = ImageEncoding.Of(settings);
        _parameters = parameters;
        _storage = storage;
    }

    public ImageEncoderSettings Settings { get; }

    /// <summary>The values of one picture's visual tokens.</summary>
    public int PictureLength => Settings.Tokens.Count * Settings.TokenWidth;

    /// <summary>In which element type linear layers are computed on a device, and why.</summary>
    public PrecisionChoice Choice(Device device) => PrecisionProbe.Resolve(Settings.Precision, device);

    /// <inheritdoc cref="ImageEncoding.Check"/>
    public void Check(RgbImage picture) => _encoding.Check(picture);

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
            PreparedPictures part = _encoding.Prepare([.. pictures.Skip(start).Take(count)]);
            Encode(part, device).CopyTo(tokens.AsSpan(start * PictureLength));
        }

        return tokens;
    }

    /// <summary>Makes the tower of a device now; what it is made from may go afterwards.</summary>
    public void Prepare(Device device)
    {
        lock (_turn) Tower(device);
    }

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters()
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
            foreach (nn.Module tower in _towers.Values) tower.Dispose();
            _towers.Clear();
            _storage?.Dispose();
        }
    }

    // No-grad and dispose scopes belong to a thread: they are set where the work is, for a stock mapper may call from any thread.
    private float[] Encode(PreparedPictures pictures, Device device)
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            using var mode = no_grad();
            using var scope = NewDisposeScope();
            Tensor input = tensor(pictures.Values, pictures.Shape, device: device);
            Tensor output = _encoding.Encode(Tower(device), input, pictures.Grids).to(CPU).contiguous();
            return TensorMemory.Span<float>(output).ToArray();
        }
    }

    private nn.Module Tower(Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_towers.TryGetValue(device.ToString(), out nn.Module? tower)) return tower;
        using (no_grad())
        {
            tower = _encoding.Build(_parameters(device));
        }

        tower.eval();
        PrecisionProbe.Apply(tower, Choice(device));
        _towers[device.ToString()] = tower;
        return tower;
    }
}
