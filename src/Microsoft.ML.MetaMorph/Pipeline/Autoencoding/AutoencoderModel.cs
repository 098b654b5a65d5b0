using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of an autoencoder and the model over them, once a device. Calls take turns.</summary>
internal sealed class AutoencoderModel : IDisposable
{
    private readonly ModelsByDevice<AutoencoderKL> _models;

    /// <param name="config">Its shape.</param>
    /// <param name="precision">In which element type convolutions are computed.</param>
    /// <param name="build">Makes the model on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    /// <exception cref="InvalidDataException">Its pictures are not square, or not of three channels.</exception>
    public AutoencoderModel(AutoencoderKLConfig config, Precision precision, Func<Device, AutoencoderKL> build, IDisposable? storage)
    {
        config.Validate();
        PictureSize = SizeOf(config);
        if (config.InputChannels != 3 || config.OutputChannels != 3)
            throw new InvalidDataException($"The autoencoder takes {config.InputChannels} channels (in_channels) and gives {config.OutputChannels} (out_channels); pictures have 3.");
        (Config, Precision) = (config, precision);
        _models = new ModelsByDevice<AutoencoderKL>(build, precision, storage);
    }

    public AutoencoderKLConfig Config { get; }

    public Precision Precision { get; }

    /// <summary>Height and width in pixels of the pictures that it was trained with.</summary>
    public int PictureSize { get; }

    /// <summary>Height and width of the pictures that an autoencoder was trained with.</summary>
    /// <exception cref="InvalidDataException">They are not square, or no multiple of its reduction.</exception>
    public static int SizeOf(AutoencoderKLConfig config)
    {
        int[] sizes = config.SampleSize;
        if (sizes is not ([_] or [_, _]) || sizes[0] != sizes[^1]) throw new InvalidDataException($"The autoencoder was trained with pictures of {string.Join("x", sizes)} pixels (sample_size); one number, or two that are equal, is needed.");
        if (sizes[0] % config.Downscale != 0) throw new InvalidDataException($"The autoencoder was trained with pictures of {sizes[0]} pixels (sample_size); a multiple of {config.Downscale} is needed ({config.BlockChannels.Length - 1} halvings).");
        return sizes[0];
    }

    /// <summary>Gives pictures back from the modes of their latents.</summary>
    /// <param name="pixels">Values from 0 to 1 of all pictures, <c>[count, 3, size, size]</c>.</param>
    /// <param name="count">Pictures.</param>
    /// <param name="device">Where to compute.</param>
    public IReadOnlyList<ReconstructedPicture> Reconstruct(float[] pixels, int count, Device device) => _models.Compute<IReadOnlyList<ReconstructedPicture>>(device, model =>
    {
        Tensor pictures = tensor(pixels, [count, 3, PictureSize, PictureSize], device: device);
        Tensor decoded = (model.Decode(model.Encode(pictures * 2f - 1f).Mean) / 2f + 0.5f).clamp(0, 1);
        float[] errors = (decoded - pictures).square().flatten(1).mean([1L]).cpu().data<float>().ToArray();
        return [.. PicturePixels.ToImages(decoded).Zip(errors, (picture, error) => new ReconstructedPicture(picture, error))];
    });

    /// <summary>Makes the model of a device now; what it is made from may go afterwards.</summary>
    public void Prepare(Device device) => _models.Prepare(device);

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters() => _models.Parameters();

    /// <summary>Writes <c>vae</c> into a folder.</summary>
    public void Save(string folder) => _models.Save(model => AutoencoderFolder.Save(model, folder));

    public void Dispose() => _models.Dispose();
}

/// <summary>A picture that went through an autoencoder.</summary>
/// <param name="Picture">What came back.</param>
/// <param name="Error">The mean squared difference to what went in, of values from 0 to 1.</param>
internal sealed record ReconstructedPicture(RgbImage Picture, float Error);
