using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures that another component of the pipeline made: they are read at once, and never kept or disposed.</summary>
internal static class UpstreamImage
{
    /// <summary>Pulls a picture; null where the source has none.</summary>
    public static bool Get(ValueGetter<MLImage> getter, ref MLImage? image)
    {
        MLImage? before = image;
        getter(ref image!);
        // Stock ResizeImages answers a missing source by leaving the previous, now disposed picture in the variable.
        if (image is not null && ReferenceEquals(image, before) && IsDisposed(image)) image = null;
        return image is not null;
    }

    /// <summary>A copy of its own.</summary>
    public static MLImage? Copy(MLImage? image)
    {
        if (image is null) return null;
        MLImage copy = MLImage.CreateFromPixels(image.Width, image.Height, image.PixelFormat, image.Pixels);
        copy.Tag = image.Tag;
        return copy;
    }

    private static bool IsDisposed(MLImage image)
    {
        try
        {
            return image.Width < 0;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }
}
