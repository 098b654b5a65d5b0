namespace Microsoft.ML.MetaMorph;

/// <summary>What follows a product, on the same thread while the result is in its cache.</summary>
internal enum ProjectionEpilogue
{
    None,

    /// <summary>The exact GELU.</summary>
    Gelu,

    /// <summary>The first weight is a gate, the second its input: <c>silu(first) · second</c> takes the first one's place.</summary>
    SiluGate,
}

/// <summary>One to three weights applied to the same rows of activations, cut among the team by rows of the weights.</summary>
internal sealed unsafe class Projection(MatrixKernels kernels, WorkerTeam team, nint arranged) : TeamJob
{
    private const int LeastBytes = 48 * 1024;                    // under this, waking another thread costs more than it saves
    private const int MostBytes = 1024 * 1024;                   // above this, an interrupted thread leaves too much behind

    private readonly WeightMatrix[] _weights = new WeightMatrix[3];
    private readonly nint[] _results = new nint[3];
    private int _used, _count;
    private float* _natural;
    private bool _accumulate;
    private ProjectionEpilogue _epilogue;

    /// <summary><c>y[count, rows] (+)= x[count, columns] Wᵀ + b</c>, rows of both without gaps.</summary>
    public void Apply(in WeightMatrix weight, float* x, int count, float* y, bool accumulate = false, ProjectionEpilogue epilogue = ProjectionEpilogue.None)
    {
        (_weights[0], _results[0], _used) = (weight, (nint)y, 1);
        Start(x, count, accumulate, epilogue, weight.Rows);
    }

    /// <summary>Query, key and value at once.</summary>
    public void Apply(in WeightMatrix first, in WeightMatrix second, in WeightMatrix third, float* x, int count, float* y0, float* y1, float* y2)
    {
        (_weights[0], _weights[1], _weights[2]) = (first, second, third);
        (_results[0], _results[1], _results[2], _used) = ((nint)y0, (nint)y1, (nint)y2, 3);
        Start(x, count, false, ProjectionEpilogue.None, first.Rows + second.Rows + third.Rows);
    }

    /// <summary>The gated half of a feed-forward network: <c>silu(x Gᵀ) · (x Uᵀ)</c> into <paramref name="gated"/>.</summary>
    public void ApplyGated(in WeightMatrix gate, in WeightMatrix up, float* x, int count, float* gated, float* scratch)
    {
        (_weights[0], _weights[1]) = (gate, up);
        (_results[0], _results[1], _used) = ((nint)gated, (nint)scratch, 2);
        Start(x, count, false, ProjectionEpilogue.SiluGate, gate.Rows);
    }

    public override void Run(int begin, int end)
    {
        if (_epilogue == ProjectionEpilogue.SiluGate)
        {
            Multiply(0, begin, end);
            Multiply(1, begin, end);
            for (int j = 0; j < _count; j++)
            {
                long at = (long)j * _weights[0].Rows + begin;
                VectorMath.SiluGate((float*)_results[0] + at, (float*)_results[1] + at, end - begin);
            }
            return;
        }
        int offset = 0;
        for (int i = 0; i < _used; offset += _weights[i].Rows, i++)
        {
            int from = Math.Max(begin - offset, 0), to = Math.Min(end - offset, _weights[i].Rows);
            if (from < to) Multiply(i, from, to);
        }
    }

    private void Multiply(int index, int begin, int end)
    {
        ref WeightMatrix weight = ref _weights[index];
        var result = (float*)_results[index];
        nint x = weight.Element == WeightElement.Float32 ? (nint)_natural : arranged;
        kernels.Multiply(weight, (float*)x, weight.Columns, _count, result, weight.Rows, _accumulate, begin, end);
        if (_epilogue != ProjectionEpilogue.Gelu) return;
        for (int j = 0; j < _count; j++) VectorMath.Gelu(result + (long)j * weight.Rows + begin, end - begin);
    }

    private void Start(float* x, int count, bool accumulate, ProjectionEpilogue epilogue, int items)
    {
        _natural = x;
        (_count, _accumulate, _epilogue) = (count, accumulate, epilogue);
        int columns = _weights[0].Columns, itemBytes = 0;
        bool arrange = false;
        for (int i = 0; i < _used; i++)
        {
            itemBytes = Math.Max(itemBytes, _weights[i].RowBytes);
            arrange |= _weights[i].Element != WeightElement.Float32;
        }
        if (epilogue == ProjectionEpilogue.SiluGate) itemBytes *= 2;
        if (arrange)
            for (int j = 0; j < count; j++) kernels.Arrange(x + (long)j * columns, (float*)arranged + (long)j * columns, columns);
        int least = Math.Max(1, LeastBytes / itemBytes / count), most = Math.Max(least, MostBytes / itemBytes);
        int grain = Math.Clamp(items / (8 * team.Threads), least, most);
        team.Run(this, items, (grain + 15) / 16 * 16);           // whole cache lines of the result
    }
}
