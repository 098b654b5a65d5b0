namespace Microsoft.ML.MetaMorph;

/// <summary>One picture of many: pairs of pictures side by side, in rows.</summary>
internal static class ContactSheet
{
    /// <summary>White pixels around every picture.</summary>
    public const int Gap = 2;

    /// <summary>Puts each left picture beside its right one; pairs follow each other from the top left.</summary>
    /// <param name="left">Pictures of one size.</param>
    /// <param name="right">As many, of the same size.</param>
    /// <exception cref="ArgumentException">There are none, or numbers or sizes differ.</exception>
    public static RgbImage Of(IReadOnlyList<RgbImage> left, IReadOnlyList<RgbImage> right)
    {
        if (left.Count == 0 || left.Count != right.Count) throw new ArgumentException($"{left.Count} pictures and {right.Count} beside them were given; as many of both are needed, at least 1.");
        int width = left[0].Width, height = left[0].Height;
        if (left.Concat(right).FirstOrDefault(picture => picture.Width != width || picture.Height != height) is { } odd)
            throw new ArgumentException($"A picture has {odd.Width}x{odd.Height} pixels, the first has {width}x{height}; pictures of a sheet share their size.");
        int columns = Columns(left.Count), rows = (left.Count + columns - 1) / columns;
        var sheet = new RgbImage(2 * columns * (width + Gap) + Gap, rows * (height + Gap) + Gap, White(2 * columns * (width + Gap) + Gap, rows * (height + Gap) + Gap));
        for (int pair = 0; pair < left.Count; pair++)
        {
            (int row, int column) = (pair / columns, 2 * (pair % columns));
            Put(left[pair], sheet, column, row);
            Put(right[pair], sheet, column + 1, row);
        }
        return sheet;
    }

    /// <summary>Pairs in a row, so that a sheet is about as high as wide.</summary>
    public static int Columns(int pairs) => Math.Max(1, (int)Math.Round(Math.Sqrt(pairs / 2.0)));

    private static byte[] White(int width, int height)
    {
        byte[] pixels = new byte[checked(3 * width * height)];
        pixels.AsSpan().Fill(byte.MaxValue);
        return pixels;
    }

    private static void Put(RgbImage picture, RgbImage sheet, int column, int row)
    {
        int left = Gap + column * (picture.Width + Gap), top = Gap + row * (picture.Height + Gap);
        for (int y = 0; y < picture.Height; y++)
            picture.Pixels.AsSpan(3 * y * picture.Width, 3 * picture.Width).CopyTo(sheet.Pixels.AsSpan(3 * ((top + y) * sheet.Width + left)));
    }
}
