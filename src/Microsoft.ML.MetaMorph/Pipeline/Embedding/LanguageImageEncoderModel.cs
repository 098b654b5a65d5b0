using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of both towers and the models over them, once a device. Calls take turns.</summary>
internal sealed class LanguageImageEncoderModel : IDisposable
{
    private readonly ImageEncoding _encoding;
    private readonly ModelsByDevice<SiglipModel> _models;
    private readonly string _name;

    /// <param name="settings">Sizes, and how pictures are made ready.</param>
    /// <param name="texts">Makes texts ready.</param>
    /// <param name="parameters">Gives the parameters on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    /// <param name="location">Where they come from, for messages; null where they were trained.</param>
    /// <exception cref="InvalidDataException">Towers, tokenizer and preprocessor do not belong together.</exception>
    public LanguageImageEncoderModel(LanguageImageEncoderSettings settings, TextTowerTokenizer texts, Func<Device, ParameterSource> parameters, IDisposable? storage, string? location = null)
    {
        Settings = settings;
        Texts = texts;
        _name = location is null ? "The trained encoder" : $"The encoder '{location}'";
        _encoding = ImageEncoding.Of(settings.Image);
        _models = new ModelsByDevice<SiglipModel>(device => new SiglipModel(settings.Towers, parameters(device)), settings.Image.Precision, storage);
    }

    public LanguageImageEncoderSettings Settings { get; }

    public TextTowerTokenizer Texts { get; }

    /// <summary>D, the length of a vector.</summary>
    public int VectorLength => Settings.VectorLength;

    /// <summary>In which element type linear layers are computed on a device, and why.</summary>
    public PrecisionChoice Choice(Device device) => _models.Choice(device);

    /// <inheritdoc cref="ImageEncoding.Check"/>
    public void Check(RgbImage picture) => _encoding.Check(picture);

    /// <summary>The unit vectors of pictures, one after another: <c>[pictures, D]</c>.</summary>
    /// <param name="pictures">Any number, of any sizes.</param>
    /// <param name="perCall">How many go through the tower at a time.</param>
    /// <param name="device">Where to compute.</param>
    /// <exception cref="NotFiniteNumberException">The tower gives NaN or infinity: its weights are broken.</exception>
    public float[] EmbedImages(IReadOnlyList<RgbImage> pictures, int perCall, Device device) => Embed(pictures, perCall, "picture", device, part =>
    {
        PreparedPictures prepared = _encoding.Prepare(part);
        return _models.Compute(device, model => Values(model.ImageEmbeddings(tensor(prepared.Values, prepared.Shape, device: device), prepared.Grids)));
    });

    /// <summary>The unit vectors of texts, one after another: <c>[texts, D]</c>.</summary>
    /// <param name="texts">Any number; what does not fit the tower's length is cut.</param>
    /// <param name="perCall">How many go through the tower at a time.</param>
    /// <param name="device">Where to compute.</param>
    /// <exception cref="NotFiniteNumberException">The tower gives NaN or infinity: its weights are broken.</exception>
    public float[] EmbedTexts(IReadOnlyList<string> texts, int perCall, Device device) => Embed(texts, perCall, "text", device, part =>
    {
        int length = Settings.Text.MaxPositions;
        long[] ids = Texts.EncodePadded(part, length);
        return _models.Compute(device, model => Values(model.TextEmbeddings(tensor(ids, [part.Length, length], device: device))));
    });

    /// <summary>What makes a logit of a cosine: it is multiplied by the first, and the second is added.</summary>
    /// <exception cref="NotFiniteNumberException">They are NaN or infinity: the weights are broken.</exception>
    public (float Scale, float Bias) Calibration(Device device)
    {
        (float scale, float bias) = _models.Compute(device, model => (Number(model.LogitScale.to(ScalarType.Float32).exp()), Number(model.LogitBias.to(ScalarType.Float32))));
        return float.IsFinite(scale) && float.IsFinite(bias)
            ? (scale, bias)
            : throw new NotFiniteNumberException(FormattableString.Invariant($"{_name} makes no probabilities: exp(logit_scale) is {scale}, logit_bias is {bias}. Its weights are broken; take another copy, or train it anew with a lower learning rate."));
    }

    /// <summary>Makes the towers of a device now; what they are made from may go afterwards.</summary>
    public void Prepare(Device device) => _models.Prepare(device);

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters() => _models.Parameters(CPU);

    public void Dispose() => _models.Dispose();

    private float[] Embed<T>(IReadOnlyList<T> inputs, int perCall, string what, Device device, Func<T[], float[]> compute)
    {
        var vectors = new float[checked(inputs.Count * VectorLength)];
        for (int start = 0; start < inputs.Count; start += perCall)
        {
            float[] values = compute([.. inputs.Skip(start).Take(perCall)]);
            RequireFinite(values, what, device);
            values.CopyTo(vectors.AsSpan(start * VectorLength));
        }

        return vectors;
    }

    // Pictures and tokens are always finite, so only weights can be to blame. They are mapped, and nobody reads them all; what comes out shows it.
    private void RequireFinite(float[] values, string what, Device device)
    {
        if (float.IsFinite(TensorPrimitives.MaxMagnitude(values))) return;
        int at = Array.FindIndex(values, value => !float.IsFinite(value));
        throw new NotFiniteNumberException(FormattableString.Invariant($"{_name} computes no finite numbers: value {at % VectorLength + 1} of the vector of a {what} is {values[at]}. ")
            + $"Its weights are broken, or too large for the element type in which it computes ({Choice(device)}); take another copy, or train it anew with a lower learning rate.");
    }

    private static float[] Values(Tensor vectors) => TensorMemory.Span<float>(vectors.to(CPU).contiguous()).ToArray();

    private static float Number(Tensor one) => one.to(CPU).item<float>();
}
