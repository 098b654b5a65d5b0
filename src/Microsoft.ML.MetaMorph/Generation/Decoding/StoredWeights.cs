using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// How weights of one element type become floats. A block is two vectors wide. 16-bit types are read as 32-bit words and split
/// into their low and high halves (one shift, one mask), so the first vector holds the even columns of the block and the second the
/// odd ones: the activations are put into that order once for each product (<see cref="MatrixKernels.Arrange"/>).
/// </summary>
internal unsafe interface IStoredWeights
{
    static abstract int Size { get; }

    static abstract float Single(byte* row, int column);

    static abstract void Block(byte* at, out Vector256<float> first, out Vector256<float> second);

    static abstract void Block(byte* at, out Vector<float> first, out Vector<float> second);
}

/// <summary>float32: natural order.</summary>
internal readonly unsafe struct Float32Weights : IStoredWeights
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Single(byte* row, int column) => ((float*)row)[column];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector256<float> first, out Vector256<float> second)
    {
        first = Vector256.Load((float*)at);
        second = Vector256.Load((float*)at + Vector256<float>.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector<float> first, out Vector<float> second)
    {
        first = Vector.Load((float*)at);
        second = Vector.Load((float*)at + Vector<float>.Count);
    }
}

/// <summary>bfloat16: the upper half of a float32.</summary>
internal readonly unsafe struct BFloat16Weights : IStoredWeights
{
    private const uint High = 0xFFFF0000;

    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Single(byte* row, int column) => BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[column] << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector256<float> first, out Vector256<float> second)
    {
        Vector256<uint> words = Vector256.Load((uint*)at);
        first = (words << 16).AsSingle();
        second = (words & Vector256.Create(High)).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector<float> first, out Vector<float> second)
    {
        Vector<uint> words = Vector.Load((uint*)at);
        first = Vector.AsVectorSingle(words << 16);
        second = Vector.AsVectorSingle(words & new Vector<uint>(High));
    }
}

/// <summary>
/// float16 (IEEE 754 binary16): exponent and mantissa are moved into a float32's place, and a multiplication by 2¹¹² mends the bias of
/// the exponent, for subnormal numbers too. Infinities do not occur in weights.
/// </summary>
internal readonly unsafe struct Float16Weights : IStoredWeights
{
    private const uint High = 0xFFFF0000, Sign = 0x80000000, Magnitude = 0x0FFFE000;
    private const float Rebias = 5.192296858534828e33f;          // 2^112

    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Single(byte* row, int column) => (float)((Half*)row)[column];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector256<float> first, out Vector256<float> second)
    {
        Vector256<uint> words = Vector256.Load((uint*)at);
        first = Widen(words << 16);
        second = Widen(words & Vector256.Create(High));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector<float> first, out Vector<float> second)
    {
        Vector<uint> words = Vector.Load((uint*)at);
        first = Widen(words << 16);
        second = Widen(words & new Vector<uint>(High));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(Vector256<uint> high)
        => ((high & Vector256.Create(Sign)) | ((high >>> 3) & Vector256.Create(Magnitude))).AsSingle() * Vector256.Create(Rebias);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Widen(Vector<uint> high)
        => Vector.AsVectorSingle((high & new Vector<uint>(Sign)) | ((high >>> 3) & new Vector<uint>(Magnitude))) * new Vector<float>(Rebias);
}
