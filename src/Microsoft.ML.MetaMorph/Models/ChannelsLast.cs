using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures <c>[b, c, h, w]</c> whose channels lie next to each other in memory.</summary>
/// <remarks>
/// Convolutions and normalisations then need no rearrangement on the way in and out, and the pixels are a matrix
/// <c>[b, h·w, c]</c> for attention without a copy. Every layer here keeps the format of its input.
/// </remarks>
internal static class ChannelsLast
{
    /// <summary>The picture in float32 with its channels last; a copy only where that is not so already.</summary>
    public static Tensor Of(Tensor picture)
    {
        using var scope = NewDisposeScope();
        return picture.to(ScalarType.Float32).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, c, h, w]</c> → <c>[b, h·w, c]</c>, the rows of the picture first.</summary>
    public static Tensor Pixels(Tensor picture)
    {
        using var scope = NewDisposeScope();
        return picture.permute(0, 2, 3, 1).reshape(picture.size(0), picture.size(2) * picture.size(3), picture.size(1)).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, h·w, c]</c> → <c>[b, c, h, w]</c>.</summary>
    public static Tensor Picture(Tensor pixels, long height, long width)
    {
        using var scope = NewDisposeScope();
        return pixels.view(pixels.size(0), height, width, pixels.size(2)).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Sizes for messages.</summary>
    public static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}
