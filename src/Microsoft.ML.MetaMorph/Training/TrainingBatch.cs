using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of one step, packed into sequences of a bounded length.</summary>
internal sealed class TrainingBatch
{
    private readonly IReadOnlyList<TrainingRow> _rows;
    private readonly MetaMorphConfig _config;
    private readonly bool[] _dropped;

    /// <param name="rows">The rows.</param>
    /// <param name="config">The sizes of the visual tokens.</param>
    /// <param name="sequenceBudget">The positions of a sequence.</param>
    /// <param name="dropped">For each row, whether the pictures of its prompts are replaced by zeros; null: none are.</param>
    public TrainingBatch(IReadOnlyList<TrainingRow> rows, MetaMorphConfig config, int sequenceBudget, bool[]? dropped = null)
    {
        _dropped = dropped ?? new bool[rows.Count];
        _rows = rows;
        _config = config;
        foreach (TrainingRow row in rows) Check(row);
        var packer = new SequencePacker(sequenceBudget, config.VisualTokenCount, config.ImageStartId);
        Sequences = [.. packer.Pack([.. rows.Select(r => r.Sequence)])];
        LanguageCount = Sequences.Sum(s => (long)s.SupervisedTokens);
        VisualCount = Sequences.Sum(s => (long)s.VisualTargets);
        Positions = Sequences.Sum(s => (long)s.Length);
    }

    public IReadOnlyList<PackedSequence> Sequences { get; }

    /// <summary>Supervised text tokens of all sequences.</summary>
    public long LanguageCount { get; }

    /// <summary>Response visual tokens of all sequences.</summary>
    public long VisualCount { get; }

    public long Positions { get; }

    /// <summary>The numbers of the rows in a sequence, for messages.</summary>
    public IEnumerable<long> RowNumbers(PackedSequence sequence) => sequence.Rows.Select(row => _rows[row].Number);

    public IEnumerable<long> RowNumbers() => _rows.Select(row => row.Number);

    /// <summary>The visual tokens <c>[k, N, D]</c> of a sequence; null where it has no image.</summary>
    public Tensor? VisualTokens(PackedSequence sequence, Device device)
    {
        if (sequence.ImageCount == 0) return null;
        int size = _config.VisualTokenCount * _config.VisualTokenWidth;
        Tensor tokens = empty([sequence.ImageCount, _config.VisualTokenCount, _config.VisualTokenWidth], dtype: ScalarType.Float32, device: CPU);
        Span<float> target = TensorMemory.Span<float>(tokens);
        foreach (int number in sequence.Rows)
        {
            TrainingRow row = _rows[number];
            bool[] zero = _dropped[number] ? Unlearned(row.Sequence) : new bool[row.Sequence.ImageCount];
            for (int i = 0; i < zero.Length; i++)
            {
                if (zero[i]) target[..size].Clear();
                else row.VisualTokens.Span.Slice(row.Sequence.ImageOrder[i] * size, size).CopyTo(target);
                target = target[size..];
            }
        }
        return tokens.to(device);
    }

    /// <summary>For each picture of a row, whether it is only read.</summary>
    private bool[] Unlearned(TokenSequence row)
        => [.. Enumerable.Range(0, row.Ids.Length).Where(i => row.Ids[i] == TokenSequence.ImagePlaceholder).Select(i => !row.IsImageTarget(i, _config.ImageStartId))];

    private void Check(TrainingRow row)
    {
        int size = _config.VisualTokenCount * _config.VisualTokenWidth;
        int images = row.VisualTokens.Length / size;
        if (row.VisualTokens.Length % size != 0)
            throw new InvalidOperationException($"Row {row.Number} has {row.VisualTokens.Length} visual values, no multiple of {_config.VisualTokenCount} tokens × {_config.VisualTokenWidth}. Encode the images with the encoder of this model.");
        if (row.Sequence.ImageOrder.Length > 0 && row.Sequence.ImageOrder.Max() >= images)
            throw new InvalidOperationException($"Row {row.Number} refers to image {row.Sequence.ImageOrder.Max() + 1}, but has {images}.");
        int vocabulary = _config.Language.VocabularySize;
        int odd = Array.FindIndex(row.Sequence.Ids, id => id != TokenSequence.ImagePlaceholder && (uint)id >= (uint)vocabulary);
        if (odd >= 0) throw new InvalidOperationException($"Row {row.Number} has the token id {row.Sequence.Ids[odd]} at position {odd}; the model's vocabulary has {vocabulary} entries. Use the model's own tokenizer.");
    }
}
