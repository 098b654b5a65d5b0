using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of an image encoder and the tower over them, once a device. Calls take turns.</summary>
internal sealed class ImageEncoderModel : IDisposable
{
    private readonly ImageEncoding _encoding;
    private readonly ModelsByDevice<nn.Module> _towers;

    /// <param name="settings">Sizes and reduction.</param>
    /// <param name="parameters">Gives the tower's parameters on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    /// <exception cref="InvalidDataException">Tower and preprocessor do not belong together.</exception>
    /// <exception cref="ArgumentException">The tower cannot give such tokens.</exception>
    public ImageEncoderModel(ImageEncoderSettings settings, Func<Device, ParameterSource> parameters, IDisposable? storage)
    {
        Settings = settings;
        _encoding = ImageEncoding.Of(settings);
        _towers = new ModelsByDevice<nn.Module>(device => _encoding.Build(parameters(device)), settings.Precision, storage);
    }

    public ImageEncoderSettings Settings { get; }

    /// <summary>The values of one picture's visual tokens.</summary>
    public int PictureLength => Settings.Tokens.Count * Settings.TokenWidth;

    /// <summary>In which element type linear layers are computed on a device, and why.</summary>
    public PrecisionChoice Choice(Device device) => _towers.Choice(device);

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
    public void Prepare(Device device) => _towers.Prepare(device);

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters() => _towers.Parameters(CPU);

    public void Dispose() => _towers.Dispose();

    private float[] Encode(PreparedPictures pictures, Device device) => _towers.Compute(device, tower =>
    {
        Tensor input = tensor(pictures.Values, pictures.Shape, device: device);
        Tensor output = _encoding.Encode(tower, input, pictures.Grids).to(CPU).contiguous();
        return TensorMemory.Span<float>(output).ToArray();
    });
}
