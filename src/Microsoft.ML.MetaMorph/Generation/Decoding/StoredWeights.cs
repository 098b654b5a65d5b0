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
/// float16 (IEEE 754 binary16): a shift by three puts exponent and mantissa into a float32's place (an arithmetic one, so the sign
/// stays on top), and a multiplication by 2¹¹² mends the bias of the exponent, for subnormal numbers too. Infinities do not occur in weights.
/// </summary>
internal readonly unsafe struct Float16Weights : IStoredWeights
{
    private const int Kept = unchecked((int)0x8FFFE000);         // sign, exponent, mantissa; also drops what the word's low half leaves
    private const float Rebias = 5.192296858534828e33f;          // 2^112

    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Single(byte* row, int column) => (float)((Half*)row)[column];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector256<float> first, out Vector256<float> second)
    {
        Vector256<int> words = Vector256.Load((int*)at), kept = Vector256.Create(Kept);
        Vector256<float> rebias = Vector256.Create(Rebias);
        first = (((words << 16) >> 3) & kept).AsSingle() * rebias;
        second = ((words >> 3) & kept).AsSingle() * rebias;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(byte* at, out Vector<float> first, out Vector<float> second)
    {
        Vector<int> words = Vector.Load((int*)at), kept = new(Kept);
        Vector<float> rebias = new(Rebias);
        first = Vector.AsVectorSingle(((words << 16) >> 3) & kept) * rebias;
        second = Vector.AsVectorSingle((words >> 3) & kept) * rebias;
    }
}
