using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What one kind of vision tower does with pictures: prepares them and makes visual tokens of them. Holds no state; any number of threads
/// may prepare pictures while one computes.
/// </summary>
internal abstract class ImageEncoding
{
    /// <summary>The kind that settings describe.</summary>
    /// <exception cref="InvalidDataException">The preprocessor does not make what the tower takes; both files and both numbers are named, the folder is not.</exception>
    /// <exception cref="ArgumentException">The tower cannot give such tokens.</exception>
    public static ImageEncoding Of(ImageEncoderSettings settings) => settings.Vision switch
    {
        SiglipVisionConfig vision => new SiglipImageEncoding(vision, settings),
        Siglip2VisionConfig vision => new NaflexImageEncoding(vision, settings),
        _ => throw new NotSupportedException($"A vision tower of {settings.Vision.GetType().Name} has no preprocessing."),
    };

    /// <summary>Makes the tower; its parameters have their published names.</summary>
    public abstract nn.Module Build(ParameterSource parameters);

    /// <summary>Checks, without computing anything, that a picture can be prepared.</summary>
    /// <exception cref="InvalidDataException">It is too large or too thin.</exception>
    /// <exception cref="ArgumentException">It would have to be resized, which the preprocessor's configuration switches off.</exception>
    public abstract void Check(RgbImage picture);

    /// <summary>Makes the input of the tower, on all cores.</summary>
    public abstract PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures);

    /// <summary>The visual tokens <c>[pictures, N, D]</c>, float32, on the tower's device.</summary>
    /// <param name="tower">What <see cref="Build"/> made.</param>
    /// <param name="pictures">What <see cref="Prepare"/> made, a tensor on the device of the tower.</param>
    /// <param name="grids">The grids that belong to it.</param>
    public abstract Tensor Encode(nn.Module tower, Tensor pictures, PatchGrid[] grids);

    /// <summary>Checks that a tower takes coloured pictures.</summary>
    /// <exception cref="InvalidDataException">It does not.</exception>
    public static void RequireColour(int channels)
    {
        if (channels != 3) throw new InvalidDataException($"'num_channels' is {channels}; it must be 3: pictures are given to the tower as red, green and blue.");
    }

    /// <summary>Checks that pictures are brought to the size that a tower takes.</summary>
    /// <exception cref="InvalidDataException">They are not.</exception>
    public static void RequireSize(ImagePreprocessorConfig preprocessing, SiglipVisionConfig vision)
    {
        if (preprocessing.Naflex)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} keeps each picture's own shape (SigLIP 2 NaFlex), but the vision tower of config.json takes pictures of {vision.ImageSize}x{vision.ImageSize} ({vision.Keys.Named("image_size")}). They do not belong together.");
        if (preprocessing.Height != vision.ImageSize || preprocessing.Width != vision.ImageSize)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} makes pictures of {preprocessing.Width}x{preprocessing.Height} (size), but the vision tower of config.json takes pictures of {vision.ImageSize}x{vision.ImageSize} ({vision.Keys.Named("image_size")}). They do not belong together.");
    }
}

/// <summary>Pictures as a tower takes them.</summary>
/// <param name="Values">The elements.</param>
/// <param name="Shape">The sizes of the tensor; the first counts the pictures.</param>
/// <param name="Grids">Each picture's patches where pictures keep their shape; else empty.</param>
internal readonly record struct PreparedPictures(float[] Values, long[] Shape, PatchGrid[] Grids);
