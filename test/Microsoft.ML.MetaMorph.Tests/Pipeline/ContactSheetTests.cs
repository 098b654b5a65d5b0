namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ContactSheetTests
{
    [TestMethod]
    public void PairsStandSideBySideOnWhite()
    {
        // Five pairs of 3×2 pixels: two pairs in a row, three rows, the last with one.
        RgbImage[] left = [.. Enumerable.Range(0, 5).Select(i => Plain(3, 2, (byte)(10 + i)))], right = [.. Enumerable.Range(0, 5).Select(i => Plain(3, 2, (byte)(100 + i)))];
        RgbImage sheet = ContactSheet.Of(left, right);
        Assert.AreEqual((4 * 5 + 2, 3 * 4 + 2), (sheet.Width, sheet.Height));
        byte[] expected = new byte[3 * sheet.Width * sheet.Height];
        Array.Fill(expected, byte.MaxValue);
        (int Row, int Column)[] places = [(0, 0), (0, 2), (1, 0), (1, 2), (2, 0)];
        for (int pair = 0; pair < 5; pair++)
        {
            for (int i = 0; i < 2 * 3 * 2; i++)
            {
                (int side, int y, int x) = (i / 6, i / 3 % 2, i % 3);
                int at = 3 * ((2 + 4 * places[pair].Row + y) * sheet.Width + 2 + 5 * (places[pair].Column + side) + x);
                expected.AsSpan(at, 3).Fill((byte)((side == 0 ? 10 : 100) + pair));
            }
        }

        CollectionAssert.AreEqual(expected, sheet.Pixels);
    }

    [TestMethod]
    public void WhatMakesNoPairsIsRefused()
    {
        TensorAssert.Throws<ArgumentException>(() => ContactSheet.Of([], []), "0 pictures and 0 beside them were given; as many of both are needed, at least 1.");
        TensorAssert.Throws<ArgumentException>(() => ContactSheet.Of([Plain(3, 2, 0)], []), "1 pictures and 0 beside them");
        TensorAssert.Throws<ArgumentException>(() => ContactSheet.Of([Plain(3, 2, 0)], [Plain(2, 3, 0)]), "A picture has 2x3 pixels, the first has 3x2");
    }

    private static RgbImage Plain(int width, int height, byte value)
    {
        byte[] pixels = new byte[3 * width * height];
        Array.Fill(pixels, value);
        return new RgbImage(width, height, pixels);
    }
}
