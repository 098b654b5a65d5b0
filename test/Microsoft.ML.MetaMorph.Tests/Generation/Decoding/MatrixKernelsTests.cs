using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Products and small operations of the vectorized engine beside TorchSharp, in both ways of computing them.</summary>
[TestClass]
public sealed unsafe class MatrixKernelsTests
{
    internal static IEnumerable<MatrixKernels> All()
    {
        yield return new MatrixKernels<PortableDot>();
        if (FusedDot.IsSupported) yield return new MatrixKernels<FusedDot>();
    }

    [TestMethod]
    [DataRow(ScalarType.Float32), DataRow(ScalarType.BFloat16), DataRow(ScalarType.Float16)]
    public void ProductsEqualTorchAndDoNotDependOnTheBatch(ScalarType type)
    {
        foreach (MatrixKernels kernels in All())
            foreach ((int rows, int columns) in ((int, int)[])[(1, 1), (5, 7), (33, 40), (64, 112), (16, 192), (9, 1152), (3, 4099)])
            {
                using var scope = NewDisposeScope();
                Generator generator = new Generator(5);
                Tensor weight = (randn(rows, columns, generator: generator) * 0.1).to(type), bias = randn(rows, generator: generator), x = randn(5, columns, generator: generator);
                float[] together = Multiply(kernels, weight, bias, x, accumulate: false);
                using Tensor expected = F.linear(x.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias.to(ScalarType.Float64));
                double[] exact = expected.data<double>().ToArray();
                for (int i = 0; i < exact.Length; i++) Assert.AreEqual(exact[i], together[i], 2e-5 * Math.Sqrt(columns), $"{kernels.Name} {type} {rows}x{columns}");
                for (int j = 0; j < 5; j++)
                {
                    float[] alone = Multiply(kernels, weight, bias, x.narrow(0, j, 1).contiguous(), accumulate: false);
                    CollectionAssert.AreEqual(together[(j * rows)..((j + 1) * rows)], alone, "a row is the same to the bit alone");
                }
            }
    }

    [TestMethod]
    public void HalfPrecisionNumbersAreExact()
    {
        ushort[] bits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i).Where(i => Half.IsFinite(BitConverter.UInt16BitsToHalf(i)))];
        float* arranged = stackalloc float[16];
        foreach (MatrixKernels kernels in All())
        {
            // one block of 16 columns a row; a unit vector picks one column
            Tensor x = zeros(1, 16);
            for (int column = 0; column < 16; column += 5)
            {
                x.zero_();
                x[0, column] = 1f;
                float[] picked = new float[bits.Length / 16];
                fixed (ushort* w = bits)
                fixed (float* y = picked)
                {
                    kernels.Arrange((float*)TensorMemory.Address(x), arranged, 16);
                    kernels.Multiply(new WeightMatrix((nint)w, WeightElement.Float16, picked.Length, 16, 0), arranged, 16, 1, y, picked.Length, false, 0, picked.Length);
                }
                for (int r = 0; r < picked.Length; r++) Assert.AreEqual((float)BitConverter.UInt16BitsToHalf(bits[r * 16 + column]), picked[r], $"{kernels.Name}: {bits[r * 16 + column]:X4}");
            }
        }
    }

    [TestMethod]
    public void SmallOperationsEqualTorch()
    {
        foreach (int count in (int[])[1, 7, 8, 40, 192, 1000])
        {
            using var scope = NewDisposeScope();
            Tensor a = randn(1, count), b = randn(1, count), weight = randn(count);
            Compare(Aten.RmsNorm(a, weight, 1e-5), a, x => VectorMath.RmsNorm(x, Data(weight), x, count, 1e-5f), "RmsNorm");
            Compare(F.silu(a) * b, a, x => VectorMath.SiluGate(x, Data(b), count), "SiluGate");
            Compare(F.softmax(a, -1), a, x => VectorMath.SoftmaxInPlace(x, count), "Softmax");
            Compare(F.gelu(a), a, x => VectorMath.Gelu(x, count), "Gelu");
            Compare(F.normalize(a, 2, -1), a, x => VectorMath.Normalize(x, count), "Normalize");
            Tensor rows = randn(13, count), weights = rand(13), sum = empty(1, count);
            Compare(weights.unsqueeze(0).mm(rows), sum, x => VectorMath.WeightedSum(Data(weights), Data(rows), 13, count, x), "WeightedSum");
            Assert.AreEqual((a * b).sum().item<float>(), VectorMath.Dot(Data(a), Data(b), count), 1e-4, "Dot");
        }
    }

    [TestMethod]
    public void TheErrorFunctionIsExact()
    {
        using var scope = NewDisposeScope();
        Tensor x = linspace(-7, 7, 2801, dtype: ScalarType.Float64);
        double[] at = x.data<double>().ToArray(), expected = x.erf().data<double>().ToArray();
        for (int i = 0; i < at.Length; i++) Assert.AreEqual(expected[i], ErrorFunction.Erf(at[i]), 2e-15, $"erf({at[i]})");
    }

    private delegate void InPlace(float* values);

    private static float* Data(Tensor tensor) => (float*)TensorMemory.Address(tensor);

    private static void Compare(Tensor expected, Tensor input, InPlace operation, string what)
    {
        using Tensor copy = input.clone();
        operation(Data(copy));
        float difference = (expected - copy).abs().max().item<float>();
        Assert.IsTrue(difference <= 2e-6 * Math.Max(1, expected.abs().max().item<float>()), $"{what} of {input.shape[^1]} differs by {difference}");
    }

    private static float[] Multiply(MatrixKernels kernels, Tensor weight, Tensor bias, Tensor x, bool accumulate)
    {
        int rows = (int)weight.shape[0], columns = (int)weight.shape[1], count = (int)x.shape[0];
        WeightElement element = weight.dtype switch { ScalarType.BFloat16 => WeightElement.BFloat16, ScalarType.Float16 => WeightElement.Float16, _ => WeightElement.Float32 };
        var matrix = new WeightMatrix(TensorMemory.Address(weight), element, rows, columns, TensorMemory.Address(bias));
        float[] result = new float[rows * count], arranged = new float[columns * count];
        fixed (float* y = result)
        fixed (float* a = arranged)
        {
            for (int j = 0; j < count; j++) kernels.Arrange(Data(x) + j * columns, a + j * columns, columns);
            float* input = element == WeightElement.Float32 ? Data(x) : a;
            int half = rows / 2;                                          // in two ranges, as threads would
            kernels.Multiply(matrix, input, columns, count, y, rows, accumulate, 0, half);
            kernels.Multiply(matrix, input, columns, count, y, rows, accumulate, half, rows);
        }
        return result;
    }
}
