using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The kernels of a decoding step on one thread: RMS norm, softmax, and a weight of 2,048 × 2,048 with one row of activations.</summary>
public class DecodingKernels
{
    private const int Width = 2048;

    private Tensor _weight = null!;
    private float[] _input = [], _output = [], _scale = [];
    private MatrixKernels _kernels = null!;

    [Params(ScalarType.Float32, ScalarType.BFloat16)]
    public ScalarType Stored { get; set; }

    [Params(false, true)]
    public bool Portable { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _weight = randn(Width, Width).to(Stored).DetachFromDisposeScope();
        _kernels = Portable ? new MatrixKernels<PortableDot>() : MatrixKernels.Best;
        var random = new Random(1);
        _input = [.. Enumerable.Range(0, Width).Select(_ => random.NextSingle())];
        _scale = [.. Enumerable.Repeat(1f, Width)];
        _output = new float[Width];
    }

    [GlobalCleanup]
    public void Cleanup() => _weight.Dispose();

    [Benchmark]
    public unsafe void MatrixTimesVector()
    {
        var matrix = new WeightMatrix(TensorMemory.Address(_weight), Stored == ScalarType.Float32 ? WeightElement.Float32 : WeightElement.BFloat16, Width, Width, Bias: 0);
        fixed (float* x = _input)
        fixed (float* y = _output)
        {
            _kernels.Multiply(matrix, x, Width, 1, y, Width, accumulate: false, 0, Width);
        }
    }

    [Benchmark]
    public unsafe void RmsNorm()
    {
        fixed (float* x = _input)
        fixed (float* scale = _scale)
        fixed (float* y = _output)
        {
            VectorMath.RmsNorm(x, scale, y, Width, 1e-5f);
        }
    }

    [Benchmark]
    public unsafe void SoftmaxInPlace()
    {
        fixed (float* x = _output)
        {
            VectorMath.SoftmaxInPlace(x, Width);
        }
    }
}
