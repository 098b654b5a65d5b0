namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Attention of one new position in each row over what the row has seen: normalises (Qwen3) and rotates the new key and queries, puts
/// key and value into the cache, and attends. An item is one key/value head of one row, with all queries that share it.
/// </summary>
internal sealed unsafe class CachedAttention(int heads, int keyValueHeads, int width, float epsilon) : TeamJob
{
    private readonly float _scale = 1 / MathF.Sqrt(width);

    /// <summary>Rows of the step and the layer that is computed.</summary>
    public RowState[] Rows = [];

    public int Layer;

    /// <summary><c>[rows, heads · width]</c>; changed.</summary>
    public float* Queries;

    /// <summary><c>[rows, kvHeads · width]</c>; changed.</summary>
    public float* Keys;

    /// <summary><c>[rows, kvHeads · width]</c>.</summary>
    public float* Values;

    /// <summary>The result, <c>[rows, heads · width]</c>.</summary>
    public float* Mixed;

    /// <summary>Cosines and sines of each row's position, <c>[rows, width]</c>: the halves are cosines, then sines.</summary>
    public float* Angles;

    /// <summary>Room for the scores, <c>[rows, heads, ScoreStride]</c>.</summary>
    public float* Scores;

    public int ScoreStride;

    /// <summary>Weights of the query and key norms, or null.</summary>
    public float* QueryNorm, KeyNorm;

    public override void Run(int begin, int end)
    {
        for (int item = begin; item < end; item++) Attend(item / keyValueHeads, item % keyValueHeads);
    }

    private void Attend(int row, int head)
    {
        RowState state = Rows[row];
        int group = heads / keyValueHeads, half = width / 2, length = state.Position + 1;
        float* cosines = Angles + (long)row * width, sines = cosines + half;
        long cache = (long)head * state.Capacity * width;
        float* keys = (float*)state.Keys[Layer] + cache, values = (float*)state.Values[Layer] + cache;
        float* key = Keys + ((long)row * keyValueHeads + head) * width, value = Values + ((long)row * keyValueHeads + head) * width;
        Prepare(key, KeyNorm, cosines, sines, half);
        long bytes = (long)width * sizeof(float), at = (long)state.Position * width;
        Buffer.MemoryCopy(key, keys + at, bytes, bytes);
        Buffer.MemoryCopy(value, values + at, bytes, bytes);
        for (int g = 0; g < group; g++)
        {
            long queryHead = (long)row * heads + head * group + g;
            float* query = Queries + queryHead * width, scores = Scores + queryHead * ScoreStride;
            Prepare(query, QueryNorm, cosines, sines, half);
            for (int t = 0; t < length; t++) scores[t] = VectorMath.Dot(query, keys + (long)t * width, width) * _scale;
            VectorMath.SoftmaxInPlace(scores, length);
            VectorMath.WeightedSum(scores, values, length, width, Mixed + queryHead * width);
        }
    }

    private void Prepare(float* vector, float* norm, float* cosines, float* sines, int half)
    {
        if (norm is not null) VectorMath.RmsNorm(vector, norm, vector, width, epsilon);
        VectorMath.Rotate(vector, cosines, sines, half);
    }
}
