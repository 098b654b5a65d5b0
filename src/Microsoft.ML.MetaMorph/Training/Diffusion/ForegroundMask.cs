using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Finds what stands before a plain background: pixels unlike the colour of the picture's border.</summary>
internal static class ForegroundMask
{
    /// <summary>A pixel belongs to the foreground where one of its channels is this far from the border's (in 0 … 1).</summary>
    private const float Threshold = 0.1f;

    /// <summary>The share of foreground in each cell of the samples, <c>[b, 1, H/scale, W/scale]</c>.</summary>
    /// <param name="pictures"><c>[b, 3, H, W]</c> in 0 … 1.</param>
    /// <param name="scale">Pixels along a side of a cell.</param>
    public static Tensor Of(Tensor pictures, int scale)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor distance = (pictures - Background(pictures)).abs().amax([1L], true);
        return nn.functional.avg_pool2d(distance.gt(Threshold).to(ScalarType.Float32), [scale, scale]).MoveToOuterDisposeScope();
    }

    /// <summary>The median of the border's pixels in each channel, <c>[b, 3, 1, 1]</c>; objects that reach the border do not move it.</summary>
    private static Tensor Background(Tensor pictures)
    {
        long height = pictures.shape[2], width = pictures.shape[3];
        Tensor border = cat([pictures.select(2, 0), pictures.select(2, height - 1), pictures.select(3, 0), pictures.select(3, width - 1)], 2);
        (Tensor sorted, _) = border.sort(2);
        return sorted.select(2, border.shape[2] / 2).view(-1, 3, 1, 1);
    }
}
