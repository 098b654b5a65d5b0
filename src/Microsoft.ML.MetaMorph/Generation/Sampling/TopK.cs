using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>Keeps the k largest logits, and every logit that ties with the k-th.</summary>
internal static class TopK
{
    public static void Apply(Span<float> logits, int k)
    {
        if (k <= 0 || k >= logits.Length) return;
        float threshold = KthLargest(logits, k);
        foreach (ref float logit in logits)
            if (logit < threshold) logit = float.NegativeInfinity;
    }

    /// <summary>A heap of the k largest so far; whole vectors below its smallest are passed over, so a long row costs little more than reading it.</summary>
    private static float KthLargest(ReadOnlySpan<float> logits, int k)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(k);
        try
        {
            Span<float> heap = rented.AsSpan(0, k);
            logits[..k].CopyTo(heap);
            for (int i = k / 2 - 1; i >= 0; i--) SiftDown(heap, i);
            ReadOnlySpan<float> rest = logits[k..];
            ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(rest);
            for (int v = 0; v < vectors.Length; v++)
            {
                if (Vector.GreaterThanAny(vectors[v], new Vector<float>(heap[0]))) Offer(heap, rest.Slice(v * Vector<float>.Count, Vector<float>.Count));
            }
            Offer(heap, rest[(vectors.Length * Vector<float>.Count)..]);
            return heap[0];
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    private static void Offer(Span<float> heap, ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!(value > heap[0])) continue;
            heap[0] = value;
            SiftDown(heap, 0);
        }
    }

    private static void SiftDown(Span<float> heap, int parent)
    {
        while (true)
        {
            int child = 2 * parent + 1;
            if (child >= heap.Length) return;
            if (child + 1 < heap.Length && heap[child + 1] < heap[child]) child++;
            if (heap[parent] <= heap[child]) return;
            (heap[parent], heap[child]) = (heap[child], heap[parent]);
            parent = child;
        }
    }
}
