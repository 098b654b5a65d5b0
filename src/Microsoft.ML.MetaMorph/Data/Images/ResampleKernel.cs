namespace Microsoft.ML.MetaMorph;

/// <summary>
/// For one axis: which source pixels each output pixel is made of, with fixed-point weights.
/// The figures are Pillow's (<c>src/libImaging/Resample.c</c>): the filter is widened by the scale when it shrinks, cut at the border,
/// normalised to a sum of one in double precision, then rounded to 22 bits after the point.
/// </summary>
internal sealed class ResampleKernel
{
    /// <summary>8 bits of pixel and 2 of overshoot leave 22 bits of a 32-bit sum.</summary>
    public const int PrecisionBits = 32 - 8 - 2;

    private ResampleKernel(int[] first, int[] count, int[] weights, int stride)
    {
        First = first;
        Count = count;
        Weights = weights;
        Stride = stride;
    }

    /// <summary>For each output pixel, its first source pixel.</summary>
    public int[] First { get; }

    /// <summary>For each output pixel, how many source pixels it takes.</summary>
    public int[] Count { get; }

    /// <summary>The weights of output pixel i start at i × <see cref="Stride"/>.</summary>
    public int[] Weights { get; }

    public int Stride { get; }

    public ReadOnlySpan<int> WeightsOf(int output) => Weights.AsSpan(output * Stride, Count[output]);

    public static ResampleKernel Create(int inputSize, int outputSize, ResampleFilter filter)
    {
        (Func<double, double> shape, double radius) = Shape(filter);
        double scale = (double)inputSize / outputSize, filterScale = Math.Max(scale, 1.0), support = radius * filterScale;
        int stride = checked((int)Math.Ceiling(support) * 2 + 1);
        int[] first = new int[outputSize], count = new int[outputSize], weights = new int[checked(outputSize * stride)];
        double[] exact = new double[stride];
        for (int i = 0; i < outputSize; i++)
        {
            double center = (i + 0.5) * scale, sum = 0;
            int low = Math.Max((int)(center - support + 0.5), 0), high = Math.Min((int)(center + support + 0.5), inputSize);
            (first[i], count[i]) = (low, high - low);
            for (int x = 0; x < count[i]; x++) sum += exact[x] = shape((x + low - center + 0.5) * (1.0 / filterScale));
            for (int x = 0; x < count[i]; x++) weights[i * stride + x] = Fixed(sum != 0.0 ? exact[x] / sum : exact[x]);
        }
        return new ResampleKernel(first, count, weights, stride);
    }

    private static int Fixed(double weight) => (int)((weight < 0 ? -0.5 : 0.5) + weight * (1 << PrecisionBits));

    private static (Func<double, double> Shape, double Radius) Shape(ResampleFilter filter) => filter switch
    {
        ResampleFilter.Lanczos => (Lanczos, 3.0),
        ResampleFilter.Bilinear => (Bilinear, 1.0),
        ResampleFilter.Bicubic => (Bicubic, 2.0),
        ResampleFilter.Box => (Box, 0.5),
        ResampleFilter.Hamming => (Hamming, 1.0),
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, $"The filter {filter} has no kernel."),
    };

    private static double Box(double x) => x is > -0.5 and <= 0.5 ? 1.0 : 0.0;

    private static double Bilinear(double x) => Math.Max(1.0 - Math.Abs(x), 0.0);

    private static double Hamming(double x)
    {
        x = Math.Abs(x);
        if (x == 0.0) return 1.0;
        if (x >= 1.0) return 0.0;
        x *= Math.PI;
        return Math.Sin(x) / x * (0.54 + 0.46 * Math.Cos(x));
    }

    /// <summary>Keys' cubic with a = −0.5.</summary>
    private static double Bicubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
        return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
    }

    private static double Lanczos(double x) => x is >= -3.0 and < 3.0 ? Sinc(x) * Sinc(x / 3) : 0.0;

    private static double Sinc(double x) => x == 0.0 ? 1.0 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
