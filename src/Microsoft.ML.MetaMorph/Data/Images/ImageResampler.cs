using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Resizes exactly as Pillow's <c>Image.resize</c>: a pass along rows and a pass along columns, with the picture between them rounded to 8 bits
/// and each pass left out where its size does not change. Models were trained on such bytes, so "almost the same filter" is not the same.
/// </summary>
internal static class ImageResampler
{
    private const int Half = 1 << (ResampleKernel.PrecisionBits - 1);

    /// <summary>Resizes to <paramref name="width"/> × <paramref name="height"/>.</summary>
    /// <param name="image">The picture; it is returned itself where its size is right already.</param>
    /// <param name="width">New width, at least 1.</param>
    /// <param name="height">New height, at least 1.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="vectorized">False takes the plain path, which gives the same bytes.</param>
    public static RgbImage Resize(RgbImage image, int width, int height, ResampleFilter filter, bool vectorized = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (image.Width == width && image.Height == height) return image;
        if (filter == ResampleFilter.Nearest) return Nearest(image, width, height);
        vectorized &= Vector128.IsHardwareAccelerated && BitConverter.IsLittleEndian;
        return ColumnsFirst(image, width, height)
            ? ResizeRows(ResizeColumns(image, height, filter, vectorized), width, filter, vectorized)
            : ResizeColumns(ResizeRows(image, width, filter, vectorized), height, filter, vectorized);
    }

    /// <summary>
    /// Pillow 13's rule, found by trying sizes: columns come first where the height loses more than twice the pixels that the width loses.
    /// (Before Pillow 13 rows always came first; the results differ by a grey level here and there.) It also bounds the picture between the
    /// passes: it is never larger than both the source and the result.
    /// </summary>
    private static bool ColumnsFirst(RgbImage image, int width, int height) =>
        height < image.Height && image.Height - (long)height > 2 * ((long)image.Width - width);

    private static RgbImage ResizeRows(RgbImage image, int width, ResampleFilter filter, bool vectorized)
    {
        if (image.Width == width) return image;
        ResampleKernel kernel = ResampleKernel.Create(image.Width, width, filter);
        byte[] output = new byte[checked(width * image.Height * 3)];
        uint[] wide = new uint[vectorized ? image.Width : 0];
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> from = image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3);
            Span<byte> to = output.AsSpan(y * width * 3, width * 3);
            if (vectorized) RowVectorized(from, to, kernel, wide);
            else RowPlain(from, to, kernel);
        }
        return new RgbImage(width, image.Height, output);
    }

    private static void RowPlain(ReadOnlySpan<byte> from, Span<byte> to, ResampleKernel kernel)
    {
        for (int x = 0; x < kernel.First.Length; x++)
        {
            int red = Half, green = Half, blue = Half, at = kernel.First[x] * 3;
            foreach (int weight in kernel.WeightsOf(x))
            {
                red += from[at++] * weight;
                green += from[at++] * weight;
                blue += from[at++] * weight;
            }
            to[x * 3] = Clip(red);
            to[x * 3 + 1] = Clip(green);
            to[x * 3 + 2] = Clip(blue);
        }
    }

    /// <summary>The three channels of a pixel in one vector; the row is spread to four bytes a pixel first, so that no load reads past it.</summary>
    private static void RowVectorized(ReadOnlySpan<byte> from, Span<byte> to, ResampleKernel kernel, uint[] wide)
    {
        for (int x = 0; x < wide.Length; x++) wide[x] = from[x * 3] | (uint)from[x * 3 + 1] << 8 | (uint)from[x * 3 + 2] << 16;
        for (int x = 0; x < kernel.First.Length; x++)
        {
            Vector128<int> sum = Vector128.Create(Half);
            ReadOnlySpan<int> weights = kernel.WeightsOf(x);
            ReadOnlySpan<uint> pixels = wide.AsSpan(kernel.First[x], weights.Length);
            for (int k = 0; k < weights.Length; k++)
            {
                Vector128<ushort> pixel = Vector128.WidenLower(Vector128.CreateScalarUnsafe(pixels[k]).AsByte());
                sum += Vector128.WidenLower(pixel).AsInt32() * Vector128.Create(weights[k]);
            }
            Vector128<int> clipped = Clip(sum);
            to[x * 3] = (byte)clipped[0];
            to[x * 3 + 1] = (byte)clipped[1];
            to[x * 3 + 2] = (byte)clipped[2];
        }
    }

    private static RgbImage ResizeColumns(RgbImage image, int height, ResampleFilter filter, bool vectorized)
    {
        if (image.Height == height) return image;
        ResampleKernel kernel = ResampleKernel.Create(image.Height, height, filter);
        int bytes = image.Width * 3;
        byte[] output = new byte[checked(bytes * height)];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> from = image.Pixels.AsSpan(kernel.First[y] * bytes, kernel.Count[y] * bytes);
            Span<byte> to = output.AsSpan(y * bytes, bytes);
            int done = vectorized ? ColumnsVectorized(from, to, kernel.WeightsOf(y)) : 0;
            ColumnsPlain(from, to, kernel.WeightsOf(y), done);
        }
        return new RgbImage(image.Width, height, output);
    }

    private static void ColumnsPlain(ReadOnlySpan<byte> from, Span<byte> to, ReadOnlySpan<int> weights, int start)
    {
        for (int x = start; x < to.Length; x++)
        {
            int sum = Half;
            for (int k = 0; k < weights.Length; k++) sum += from[k * to.Length + x] * weights[k];
            to[x] = Clip(sum);
        }
    }

    /// <summary>Sixteen bytes of a row at a time; gives how many bytes were written.</summary>
    private static int ColumnsVectorized(ReadOnlySpan<byte> from, Span<byte> to, ReadOnlySpan<int> weights)
    {
        int x = 0;
        ref byte source = ref MemoryMarshal.GetReference(from);
        for (; x + 16 <= to.Length; x += 16)
        {
            Vector128<int> a = Vector128.Create(Half), b = a, c = a, d = a;
            for (int k = 0; k < weights.Length; k++)
            {
                Vector128<byte> pixels = Vector128.LoadUnsafe(ref Unsafe.Add(ref source, k * to.Length + x));
                (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(pixels);
                Vector128<int> weight = Vector128.Create(weights[k]);
                a += Vector128.WidenLower(low).AsInt32() * weight;
                b += Vector128.WidenUpper(low).AsInt32() * weight;
                c += Vector128.WidenLower(high).AsInt32() * weight;
                d += Vector128.WidenUpper(high).AsInt32() * weight;
            }
            Vector128<ushort> first = Vector128.Narrow(Clip(a).AsUInt32(), Clip(b).AsUInt32());
            Vector128<ushort> second = Vector128.Narrow(Clip(c).AsUInt32(), Clip(d).AsUInt32());
            Vector128.Narrow(first, second).CopyTo(to[x..]);
        }
        return x;
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResampleKernel.PrecisionBits, 0, 255);

    private static Vector128<int> Clip(Vector128<int> sum) =>
        Vector128.Min(Vector128.Max(sum >> ResampleKernel.PrecisionBits, Vector128<int>.Zero), Vector128.Create(255));

    private static RgbImage Nearest(RgbImage image, int width, int height)
    {
        int[] columns = NearestSources(image.Width, width), rows = NearestSources(image.Height, height);
        byte[] output = new byte[checked(width * height * 3)];
        for (int y = 0, to = 0; y < height; y++)
            for (int x = 0; x < width; x++, to += 3)
                image.Pixels.AsSpan((rows[y] * image.Width + columns[x]) * 3, 3).CopyTo(output.AsSpan(to));
        return new RgbImage(width, height, output);
    }

    /// <summary>Steps from pixel centre to pixel centre; the step is added up, as Pillow does, so that ties fall on the same side.</summary>
    private static int[] NearestSources(int inputSize, int outputSize)
    {
        int[] sources = new int[outputSize];
        double step = (double)inputSize / outputSize, at = step * 0.5;
        for (int i = 0; i < outputSize; i++, at += step) sources[i] = Math.Min((int)at, inputSize - 1);
        return sources;
    }
}
