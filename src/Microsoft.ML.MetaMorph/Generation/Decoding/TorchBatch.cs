using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Sequences that TorchSharp continues together. Rows that are left out of a step are dropped from the cache for good.</summary>
internal sealed class TorchBatch : DecodingBatch
{
    private const int RoomAtFirst = 1024;         // new positions; a longer response makes the cache grow

    private readonly CausalLanguageModel _language;
    private readonly MetaMorphModel? _visual;
    private readonly DecodingRow[] _rows;
    private readonly KeyValueCache _cache;
    private readonly List<int> _cached;          // the rows that the cache holds, in its order

    public TorchBatch(CausalLanguageModel language, MetaMorphModel? visual, IReadOnlyList<DecodingPrompt> prompts)
    {
        (_language, _visual) = (language, visual);
        int tokenWidth = visual?.Config.VisualTokenWidth ?? 0;
        _rows = [.. prompts.Select((prompt, i) => new DecodingRow(i, language.Config.VocabularySize, tokenWidth) { WantsVisual = prompt.WantsVisual })];
        _cached = [.. Enumerable.Range(0, prompts.Count)];
        _cache = new KeyValueCache(language.Config, prompts.Count, checked(prompts.Max(p => p.Ids.Length) + Math.Min(prompts.Max(p => p.MaxNewPositions), RoomAtFirst)), language.Device);
    }

    public override IReadOnlyList<DecodingRow> Rows => _rows;

    public void Prefill(IReadOnlyList<DecodingPrompt> prompts, int chunk, CancellationToken cancellation)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        int longest = prompts.Max(p => p.Ids.Length);
        int[] padding = [.. prompts.Select(p => longest - p.Ids.Length)];
        Tensor embeddings = zeros([prompts.Count, longest, _language.Config.HiddenSize], device: _language.Device);
        for (int i = 0; i < prompts.Count; i++)
        {
            using Tensor row = embeddings.narrow(0, i, 1), place = row.narrow(1, padding[i], prompts[i].Ids.Length), prompt = PromptPrefill.Embed(_language, _visual, prompts[i]);
            place.copy_(prompt);
        }
        Emit(_rows, PromptPrefill.Run(_language, embeddings, padding, _cache, chunk, cancellation));
    }

    public override void Step(IReadOnlyList<DecodingRow> live)
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        Keep(live);
        Tensor hidden = _language.Hidden(Embed(live), SequenceLayout.Causal, _cache);
        Emit(live, hidden);
    }

    public override void Dispose() => _cache.Dispose();

    private void Keep(IReadOnlyList<DecodingRow> live)
    {
        if (live.Count == _cached.Count && live.Select(r => r.Index).SequenceEqual(_cached)) return;
        int[] places = [.. live.Select(r => _cached.IndexOf(r.Index))];
        if (places.Any(p => p < 0)) throw new InvalidOperationException("A row that was left out of an earlier step cannot go on.");
        _cache.KeepRows(places);
        _cached.Clear();
        _cached.AddRange(live.Select(r => r.Index));
    }

    private Tensor Embed(IReadOnlyList<DecodingRow> live)
    {
        // Ids of rows with visual inputs are looked up too (as 0) and then written over: one call whatever the mixture.
        Tensor inputs = _language.Embed(tensor(live.Select(r => r.InputIsVisual ? 0L : r.InputId).ToArray(), [live.Count, 1], device: _language.Device));
        int[] visual = [.. Enumerable.Range(0, live.Count).Where(j => live[j].InputIsVisual)];
        if (visual.Length == 0) return inputs;
        float[] tokens = [.. visual.SelectMany(j => live[j].VisualToken)];
        Tensor projected = _visual!.Project(tensor(tokens, [visual.Length, 1, _visual.Config.VisualTokenWidth], device: _language.Device));
        return inputs.index_copy(0, tensor(visual.Select(j => (long)j).ToArray(), device: _language.Device), projected);
    }

    private void Emit(IReadOnlyList<DecodingRow> live, Tensor hidden)
    {
        Tensor flat = hidden.squeeze(1);
        Fill(live.Where(r => !r.WantsVisual), _language.Logits, row => row.Logits);
        Fill(live.Where(r => r.WantsVisual), states => _visual!.PredictVisualTokens(states), row => row.VisualToken);

        void Fill(IEnumerable<DecodingRow> some, Func<Tensor, Tensor> compute, Func<DecodingRow, float[]> target)
        {
            (DecodingRow Row, int Place)[] chosen = [.. live.Select((row, place) => (row, place)).Where(pair => some.Contains(pair.row))];
            if (chosen.Length == 0) return;
            Tensor states = chosen.Length == live.Count ? flat : flat.index_select(0, tensor(chosen.Select(c => (long)c.Place).ToArray(), device: flat.device));
            ReadOnlySpan<float> values = TensorMemory.Span<float>(compute(states).cpu().contiguous());
            int width = values.Length / chosen.Length;
            for (int i = 0; i < chosen.Length; i++) values.Slice(i * width, width).CopyTo(target(chosen[i].Row));
        }
    }
}
