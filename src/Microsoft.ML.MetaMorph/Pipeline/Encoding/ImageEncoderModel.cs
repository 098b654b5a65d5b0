using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of an image encoder and the tower over them, once a device. Calls take turns.</summary>
internal sealed class ImageEncoderModel : IDisposable
{
    private readonly ImageEncoding _encoding;
    private readonly ModelsByDevice<nn.Module> _towers;
    private readonly string _name;

    /// <param name="settings">Sizes and reduction.</param>
    /// <param name="parameters">Gives the tower's parameters on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    /// <param name="location">Where they come from, for messages; null where they were trained.</param>
    /// <exception cref="InvalidDataException">Tower and preprocessor do not belong together.</exception>
    /// <exception cref="ArgumentException">The tower cannot give such tokens.</exception>
    public ImageEncoderModel(ImageEncoderSettings settings, Func<Device, ParameterSource> parameters, IDisposable? storage, string? location = null)
    {
        Settings = settings;
        _name = location is null ? "The trained image encoder" : $"The image encoder '{location}'";
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
    /// <exception cref="NotFiniteNumberException">The tower gives NaN or infinity: its weights are broken.</exception>
    public float[] Encode(IReadOnlyList<RgbImage> pictures, int perCall, Device device)
    {
        var tokens = new float[checked(pictures.Count * PictureLength)];
        for (int start = 0; start < pictures.Count; start += perCall)
        {
            int count = Math.Min(perCall, pictures.Count - start);
            PreparedPictures part = _encoding.Prepare([.. pictures.Skip(start).Take(count)]);
            float[] values = Encode(part, device);
            RequireFinite(values, device);
            values.CopyTo(tokens.AsSpan(start * PictureLength));
        }

        return tokens;
    }

    // Pictures are always finite, so only weights can be to blame. They are mapped, and nobody reads them all; what comes out shows it.
    private void RequireFinite(float[] values, Device device)
    {
        if (float.IsFinite(TensorPrimitives.MaxMagnitude(values))) return;
        int at = Array.FindIndex(values, value => !float.IsFinite(value));
        throw new NotFiniteNumberException(FormattableString.Invariant($"{_name} computes no finite numbers: value {at % Settings.TokenWidth + 1} of visual token {at / Settings.TokenWidth % Settings.Tokens.Count + 1} of a picture is {values[at]}. ")
            + $"Its weights are broken, or too large for the element type in which it computes ({Choice(device)}); take another copy, or train it anew with a lower learning rate.");
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
