namespace Microsoft.ML.MetaMorph;

/// <summary>The activations of one step for every row, allocated once.</summary>
internal sealed unsafe class DecodingScratch : IDisposable
{
    private readonly NativeArena _arena = new();
    private readonly long _logits;
    private readonly long _scoreRows;
    private NativeArena? _scoreArena;
    private float* _logitRows, _scores;

    public DecodingScratch(LanguageModelConfig config, int tokenWidth, int rows)
    {
        int queries = config.HeadCount * config.HeadWidth, shared = config.KeyValueHeadCount * config.HeadWidth;
        int widest = new[] { config.HiddenSize, config.IntermediateSize, queries, tokenWidth }.Max(), connector = Math.Max(config.HiddenSize, tokenWidth);
        Stream = Rows(config.HiddenSize);
        Normalized = Rows(config.HiddenSize);
        VisualHidden = Rows(config.HiddenSize);
        Queries = Rows(queries);
        Mixed = Rows(queries);
        Keys = Rows(shared);
        Values = Rows(shared);
        Gated = Rows(config.IntermediateSize);
        GateInput = Rows(config.IntermediateSize);
        Angles = Rows(config.HeadWidth);
        Arranged = Rows(widest);
        VisualTokens = Rows(tokenWidth);
        ConnectorA = Rows(connector);
        ConnectorB = Rows(connector);
        _scoreRows = (long)rows * config.HeadCount;
        _logits = (long)rows * config.VocabularySize;

        float* Rows(long width) => _arena.Floats(rows * width);
    }

    /// <summary>The residual stream.</summary>
    public float* Stream { get; }

    /// <summary>The stream after a norm.</summary>
    public float* Normalized { get; }

    /// <summary>Hidden states of the rows that want visual tokens.</summary>
    public float* VisualHidden { get; }

    public float* Queries { get; }

    /// <summary>What attention gives, before its output projection.</summary>
    public float* Mixed { get; }

    public float* Keys { get; }

    public float* Values { get; }

    public float* Gated { get; }

    public float* GateInput { get; }

    /// <summary>Cosines, then sines, of each row's position.</summary>
    public float* Angles { get; }

    /// <summary>The input of a product in the order of 16-bit weights.</summary>
    public float* Arranged { get; }

    public float* VisualTokens { get; }

    public float* ConnectorA { get; }

    public float* ConnectorB { get; }

    /// <summary>Floats from one head's scores to the next head's.</summary>
    public int ScoreStride { get; private set; }

    /// <summary>Logits of several rows; a single row's go straight to their place, so a batch of one never needs these.</summary>
    public float* Logits => _logitRows = _logitRows is null ? _arena.Floats(_logits) : _logitRows;

    /// <summary>Room for the attention scores of every row and head; it doubles as sequences grow.</summary>
    public float* ScoresFor(int length)
    {
        if (length <= ScoreStride) return _scores;
        ScoreStride = Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length));
        _scoreArena?.Dispose();
        _scoreArena = new NativeArena();
        return _scores = _scoreArena.Floats(_scoreRows * ScoreStride);
    }

    public void Dispose()
    {
        _arena.Dispose();
        _scoreArena?.Dispose();
    }
}
