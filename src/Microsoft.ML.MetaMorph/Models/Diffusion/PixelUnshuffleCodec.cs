using System.Text.Json;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pixels of a picture themselves, every square of <paramref name="factor"/> × <paramref name="factor"/> as channels of one: nothing to train, nothing lost.</summary>
/// <param name="factor">The side of a square; 1 leaves the picture as it is.</param>
/// <param name="pictureChannels">Channels of a picture.</param>
/// <remarks>Ours, for small visualizers trained from nothing, where an autoencoder would lose more than it saves.</remarks>
internal sealed class PixelUnshuffleCodec(int factor, int pictureChannels = 3) : IPictureCodec
{
    /// <summary>The name in <c>vae/config.json</c>, in whose place the codec stands.</summary>
    public const string ClassName = "PixelUnshuffle";

    public int Scale => factor;

    private int Channels => pictureChannels * factor * factor;

    /// <exception cref="ArgumentException">The shape does not fit; the message says what is needed.</exception>
    public Tensor Encode(Tensor pictures)
    {
        if (pictures.dim() != 4 || pictures.size(1) != pictureChannels) throw new ArgumentException($"Pictures [batch, {pictureChannels}, height, width] are needed; {ChannelsLast.Shape(pictures)} was given.", nameof(pictures));
        if (pictures.size(2) % factor != 0 || pictures.size(3) % factor != 0) throw new ArgumentException($"A picture of {pictures.size(3)}×{pictures.size(2)} pixels was given; this visualizer needs multiples of {factor}.", nameof(pictures));
        return F.pixel_unshuffle(pictures, factor);
    }

    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public Tensor Decode(Tensor samples)
    {
        if (samples.dim() != 4 || samples.size(1) != Channels) throw new ArgumentException($"[batch, {Channels}, height, width] is needed; {ChannelsLast.Shape(samples)} was given.", nameof(samples));
        return F.pixel_shuffle(samples, factor);
    }

    public long RowBytes(int pictureHeight, int pictureWidth) => 2L * pictureChannels * pictureHeight * pictureWidth * sizeof(float);

    /// <summary>Reads <c>vae/config.json</c>; null if it describes another class.</summary>
    /// <exception cref="InvalidDataException">The factor is missing or unusable.</exception>
    public static int? FactorFromJson(JsonElement json) => ConfigJson.Text(json, "_class_name") == ClassName ? ConfigJson.Size(json, "downscale_factor") : null;

    /// <summary>Writes <c>vae/config.json</c>.</summary>
    public static void Write(Utf8JsonWriter writer, int factor)
    {
        writer.WriteStartObject();
        writer.WriteString("_class_name", ClassName);
        writer.WriteNumber("downscale_factor", factor);
        writer.WriteEndObject();
    }
}
