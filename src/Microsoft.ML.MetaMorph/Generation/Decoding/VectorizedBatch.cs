using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Sequences that the vectorized engine continues, each with a cache of its own that TorchSharp filled with the prompt.</summary>
internal sealed unsafe class VectorizedBatch : DecodingBatch
{
    private const int RoomAtFirst = 1024;         // new positions; a longer response makes the caches grow

    private readonly CausalLanguageModel _language;
    private readonly MetaMorphModel? _visual;
    private readonly LanguageModelConfig _config;
    private readonly DecoderWeights _weights;
    private readonly MatrixKernels _kernels;
    private readonly WorkerTeam _team;
    private readonly DecodingRow[] _rows;
    private readonly KeyValueCache[] _caches;
    private readonly RowState[] _states;
    private readonly DecodingScratch _scratch;
    private readonly Projection _projection;
    private readonly CachedAttention _attention;

    public VectorizedBatch(CausalLanguageModel language, MetaMorphModel? visual, DecoderWeights weights, MatrixKernels kernels, WorkerTeam team, IReadOnlyList<DecodingPrompt> prompts)
    {
        (_language, _visual, _config, _weights, _kernels, _team) = (language, visual, language.Config, weights, kernels, team);
        int tokenWidth = visual?.Config.VisualTokenWidth ?? 0;
        _rows = [.. prompts.Select((prompt, i) => new DecodingRow(i, _config.VocabularySize, tokenWidth) { WantsVisual = prompt.WantsVisual })];
        _caches = [.. prompts.Select(prompt => new KeyValueCache(_config, batch: 1, checked(prompt.Ids.Length + Math.Min(prompt.MaxNewPositions, RoomAtFirst)), CPU))];
        _states = [.. _caches.Select(State)];
        _scratch = new DecodingScratch(_config, tokenWidth, prompts.Count);
        _projection = new Projection(kernels, team, (nint)_scratch.Arranged);
        _attention = new CachedAttention(_config.HeadCount, _config.KeyValueHeadCount, _config.HeadWidth, (float)_config.NormEpsilon)
        {
            Rows = new RowState[prompts.Count],
            Queries = _scratch.Queries,
            Keys = _scratch.Keys,
            Values = _scratch.Values,
            Mixed = _scratch.Mixed,
            Angles = _scratch.Angles,
        };
    }

    public override IReadOnlyList<DecodingRow> Rows => _rows;

    public void Prefill(IReadOnlyList<DecodingPrompt> prompts, int chunk, CancellationToken cancellation)
    {
        using var mode = inference_mode();
        for (int i = 0; i < _rows.Length; i++)
        {
            using var scope = NewDisposeScope();
            Tensor embeddings = PromptPrefill.Embed(_language, _visual, prompts[i]);
            Tensor hidden = PromptPrefill.Run(_language, embeddings, [0], _caches[i], chunk, cancellation).contiguous();
            TensorMemory.Span<float>(hidden).CopyTo(new Span<float>(_scratch.Normalized, _config.HiddenSize));
            Emit([_rows[i]]);
        }
    }

    public override void Step(IReadOnlyList<DecodingRow> live)
    {
        int count = live.Count;
        Embed(live);
        int longest = 0;
        for (int j = 0; j < count; j++)
        {
            int row = live[j].Index;
            MakeRoom(row);
            _states[row].Position = _caches[row].Length;
            _attention.Rows[j] = _states[row];
            longest = Math.Max(longest, _states[row].Position + 1);
            SetAngles(j, _states[row].Position);
        }
        _attention.Scores = _scratch.ScoresFor(longest);
        _attention.ScoreStride = _scratch.ScoreStride;
        for (int i = 0; i < _weights.Layers.Length; i++) Layer(i, count);
        Normalize(_scratch.Stream, _weights.FinalNorm, count);
        Emit(live);
        foreach (DecodingRow row in live) _caches[row.Index].Advance(1);
    }

    public override void Dispose()
    {
        foreach (KeyValueCache cache in _caches) cache.Dispose();
        _scratch.Dispose();
        _weights.Dispose();
    }

    private void Layer(int index, int count)
    {
        ref DecoderWeights.Layer layer = ref _weights.Layers[index];
        DecodingScratch s = _scratch;
        Normalize(s.Stream, (float*)layer.InputNorm, count);
        _projection.Apply(layer.Query, layer.Key, layer.Value, s.Normalized, count, s.Queries, s.Keys, s.Values);
        _attention.Layer = index;
        _attention.QueryNorm = (float*)layer.QueryNorm;
        _attention.KeyNorm = (float*)layer.KeyNorm;
        _team.Run(_attention, count * _config.KeyValueHeadCount, AttentionGrain(count));
        _projection.Apply(layer.Output, s.Mixed, count, s.Stream, accumulate: true);
        Normalize(s.Stream, (float*)layer.FeedForwardNorm, count);
        _projection.ApplyGated(layer.Gate, layer.Up, s.Normalized, count, s.Gated, s.GateInput);
        _projection.Apply(layer.Down, s.Gated, count, s.Stream, accumulate: true);
    }

    /// <summary>Short sequences are attended by the caller alone: below about 32 KiB of keys and values another thread costs more than it saves.</summary>
    private int AttentionGrain(int count)
    {
        int longest = 0;
        for (int j = 0; j < count; j++) longest = Math.Max(longest, _attention.Rows[j].Position);
        int itemBytes = 2 * (longest + 1) * _config.HeadWidth * sizeof(float) * (_config.HeadCount / _config.KeyValueHeadCount);
        return Math.Max(1, 32 * 1024 / itemBytes);
    }

    /// <summary>The inputs of the step: embeddings of ids, projections of visual tokens.</summary>
    private void Embed(IReadOnlyList<DecodingRow> live)
    {
        int visual = 0;
        for (int j = 0; j < live.Count; j++)
        {
            DecodingRow row = live[j];
            if (row.InputIsVisual)
            {
                row.VisualToken.CopyTo(new Span<float>(_scratch.VisualTokens + (long)visual++ * row.VisualToken.Length, row.VisualToken.Length));
                continue;
            }
            if ((uint)row.InputId >= (uint)_config.VocabularySize) throw new ArgumentOutOfRangeException(nameof(live), row.InputId, $"The id {row.InputId} lies outside the vocabulary of {_config.VocabularySize} tokens.");
            _weights.Embedding.CopyRow(row.InputId, _scratch.Stream + (long)j * _config.HiddenSize);
        }
        if (visual == 0) return;
        float* projected = Connect(_weights.Projector, _scratch.VisualTokens, visual);
        for (int j = 0, next = 0; j < live.Count; j++)
            if (live[j].InputIsVisual) Row(projected, next++).CopyTo(Row(_scratch.Stream, j));
    }

    /// <summary>Logits or visual tokens from the normalised hidden states.</summary>
    private void Emit(IReadOnlyList<DecodingRow> live)
    {
        int hidden = _config.HiddenSize, texts = 0, visuals = 0;
        for (int j = 0; j < live.Count; j++)
        {
            if (live[j].WantsVisual) Row(_scratch.Normalized, j).CopyTo(Row(_scratch.VisualHidden, visuals++));
            else if (texts++ != j) Row(_scratch.Normalized, j).CopyTo(Row(_scratch.Normalized, texts - 1));
        }
        if (texts > 0) EmitLogits(live, texts);
        if (visuals > 0) EmitVisualTokens(live, visuals);
    }

    private void EmitLogits(IReadOnlyList<DecodingRow> live, int texts)
    {
        int vocabulary = _config.VocabularySize;
        if (texts == 1)
        {
            fixed (float* logits = live.First(r => !r.WantsVisual).Logits) _projection.Apply(_weights.OutputHead, _scratch.Normalized, 1, logits);
            return;
        }
        float* all = _scratch.Logits;
        _projection.Apply(_weights.OutputHead, _scratch.Normalized, texts, all);
        int next = 0;
        foreach (DecodingRow row in live)
            if (!row.WantsVisual) new ReadOnlySpan<float>(all + (long)next++ * vocabulary, vocabulary).CopyTo(row.Logits);
    }

    private void EmitVisualTokens(IReadOnlyList<DecodingRow> live, int visuals)
    {
        MetaMorphConfig config = _visual!.Config;
        float* tokens = Connect(_weights.VisionHead, _scratch.VisualHidden, visuals);
        int next = 0;
        foreach (DecodingRow row in live)
        {
            if (!row.WantsVisual) continue;
            float* token = tokens + (long)next++ * config.VisualTokenWidth;
            if (config.NormalizeVision) VectorMath.Normalize(token, config.VisualTokenWidth);
            new ReadOnlySpan<float>(token, config.VisualTokenWidth).CopyTo(row.VisualToken);
        }
    }

    /// <summary>Linear layers with exact GELUs between them; gives where the result lies.</summary>
    private float* Connect(WeightMatrix[] layers, float* input, int count)
    {
        float* from = input, to = _scratch.ConnectorA;
        for (int i = 0; i < layers.Length; i++)
        {
            _projection.Apply(layers[i], from, count, to, epilogue: i + 1 < layers.Length ? ProjectionEpilogue.Gelu : ProjectionEpilogue.None);
            from = to;
            to = to == _scratch.ConnectorA ? _scratch.ConnectorB : _scratch.ConnectorA;
        }
        return from;
    }

    private void Normalize(float* source, float* weight, int count)
    {
        for (int j = 0; j < count; j++)
            VectorMath.RmsNorm(source + (long)j * _config.HiddenSize, weight, _scratch.Normalized + (long)j * _config.HiddenSize, _config.HiddenSize, (float)_config.NormEpsilon);
    }

    /// <summary>Angles are float32 products, as in <see cref="RotaryEmbedding"/>.</summary>
    private void SetAngles(int row, int position)
    {
        int half = _config.HeadWidth / 2;
        float* cosines = _scratch.Angles + (long)row * _config.HeadWidth;
        ReadOnlySpan<float> frequencies = _language.Model.Rotary.Frequencies;
        for (int i = 0; i < half; i++)
        {
            (double sine, double cosine) = Math.SinCos(position * frequencies[i]);
            cosines[i] = (float)cosine;
            cosines[half + i] = (float)sine;
        }
    }

    private Span<float> Row(float* rows, int index) => new(rows + (long)index * _config.HiddenSize, _config.HiddenSize);

    private void MakeRoom(int row)
    {
        if (_caches[row].Length < _caches[row].Capacity) return;
        using var mode = inference_mode();
        _caches[row].Reserve(_caches[row].Length + 1);
        _states[row] = State(_caches[row]);
    }

    private RowState State(KeyValueCache cache) => new()
    {
        Keys = [.. Enumerable.Range(0, _config.LayerCount).Select(i => TensorMemory.Address(cache.Keys(i)))],
        Values = [.. Enumerable.Range(0, _config.LayerCount).Select(i => TensorMemory.Address(cache.Values(i)))],
        Capacity = cache.Capacity,
    };
}
