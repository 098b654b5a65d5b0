using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What a sequence takes in memory between the way forth and the way back, from the layers as they are written: tensor by tensor, what autograd keeps of
/// each (<see cref="DecoderLayer"/>, <see cref="GroupedQueryAttention"/>, <see cref="GatedFeedForward"/>).
/// </summary>
internal sealed class ActivationFootprint
{
    private const int Wide = 4;

    /// <summary>Logits, their logarithms, and the gradients of both.</summary>
    private const int LogitCopies = 4;

    private readonly LanguageModelConfig _language;
    private readonly LowRankOptions? _lowRank;
    private readonly int _narrow;
    private readonly long _length;

    /// <param name="config">The model's sizes.</param>
    /// <param name="options">Whether activations are computed again; the adapter.</param>
    /// <param name="compute">In which element type linear layers are computed.</param>
    /// <param name="rows">Positions of each row of the sequence.</param>
    /// <param name="tensors">What the model holds.</param>
    public ActivationFootprint(MetaMorphConfig config, VisualPredictiveTrainingOptions options, ScalarType compute, int[] rows, TrainedTensors tensors)
    {
        (_language, _lowRank, _narrow, _length) = (config.Language, options.LowRank, compute == ScalarType.BFloat16 ? 2 : Wide, rows.Sum(row => (long)row));
        long stream = Wide * _length * _language.HiddenSize;
        // Of short rows, the weights of attention.
        long scores = Wide * _language.HeadCount * Groups(rows).Where(group => group.Longest <= GroupedQueryAttention.LongestShort).Sum(group => group.Rows.Length * (long)group.Longest * group.Longest);
        long layer = _length * (Norms + Attention + FeedForward + Adapter) + scores;
        long converted = KeptWeights(tensors), layers = _language.LayerCount;
        // Beside the layers: embeddings, the stream behind the last layer, the final norm's output, and the gradient of that.
        Kept = 4 * stream + (options.RecomputesActivations ? layer + converted + stream * layers : (layer + converted) * layers);
        Back = _length * (3L * _narrow * _language.IntermediateSize + 2L * Wide * _language.HiddenSize) + (_lowRank is null ? (long)Wide * _language.HiddenSize * _language.IntermediateSize : 0);
        Holes = options.RecomputesActivations ? layer + converted + _length * Temporary : _length * Temporary * layers;
        Logits = LogitCopies * Wide * Math.Min(_length * _language.VocabularySize, VisualPredictiveObjective.DefaultLogitBudget);
        // Frozen weights have one copy in a narrower type, made at their first product.
        long copied = _lowRank is null || _narrow == Wide ? 0 : Frozen(tensors).Where(tensor => tensor.ElementType == ScalarType.Float32).Sum(tensor => tensor.ElementCount);
        (Copies, LetGo) = (_narrow * copied, Wide * copied);
    }

    /// <summary>Bytes that are kept from the way forth to the way back.</summary>
    public long Kept { get; }

    /// <summary>
    /// Bytes between those tensors where others were: glibc does not put an aligned block into the hole of one of its size (<see cref="AllocatorTuning"/>), so
    /// each layer takes new places for what it lets go again; where activations are computed twice, the second time takes other places than the first.
    /// </summary>
    public long Holes { get; }

    /// <summary>Bytes of the way back through one layer: gradients of its widest tensors, and of a weight before it is added.</summary>
    public long Back { get; }

    /// <summary>Bytes of a chunk of logits.</summary>
    public long Logits { get; }

    /// <summary>Bytes of the frozen weights' copies in the type of products.</summary>
    public long Copies { get; }

    /// <summary>Bytes of the frozen weights that were copied: the pages of their file are let go.</summary>
    public long LetGo { get; }

    private long Queries => (long)_language.HeadCount * _language.HeadWidth;

    private long Shared => (long)_language.KeyValueHeadCount * _language.HeadWidth;

    /// <summary>Two norms: their input, what is scaled (where the scale learns), and what goes into the product.</summary>
    private long Norms => 2L * _language.HiddenSize * ((_lowRank is null ? 2 : 1) * Wide + _narrow);

    /// <summary>Queries, keys, values and the answer as attention keeps them, and the answer as the output layer takes it.</summary>
    private long Attention => Wide * (2 * Queries + 2 * Shared) + _narrow * Queries + (_language.QueryKeyNorm ? 2 * Wide * (Queries + Shared) : 0);

    /// <summary>Gate, up, gate behind its activation, and their product.</summary>
    private long FeedForward => 4L * _narrow * _language.IntermediateSize;

    /// <summary>
    /// What a layer lets go on the way forth: squares of two norms, queries and keys before they are turned and laid side by side, values before that, both
    /// sums' other side; in a narrower type, also what is converted into it and out of it.
    /// </summary>
    private long Temporary => AdapterTemporary + (_narrow == Wide
        ? (4L * _language.HiddenSize + 4 * Queries + 5 * Shared) * Wide
        : (4L * _language.HiddenSize + 5 * Queries + 5 * Shared) * Wide + (2L * _language.HiddenSize + Queries + 2 * Shared) * _narrow);

    /// <summary>Beside an adapter, each layer's product and the change that is added to it, before they are one.</summary>
    private long AdapterTemporary => _lowRank is null ? 0 : 2L * _narrow * (2L * _language.HiddenSize + Queries + 2 * Shared + 2L * _language.IntermediateSize);

    /// <summary>What an adapter of every linear layer keeps: its bottleneck and, with dropout, the input of each layer once more.</summary>
    private long Adapter
    {
        get
        {
            if (_lowRank is null) return 0;
            long inputs = 3L * _language.HiddenSize + Queries + 2L * _language.HiddenSize + _language.IntermediateSize;
            return _narrow * (7L * _lowRank.Rank + (_lowRank.Dropout > 0 ? inputs : 0));
        }
    }

    /// <summary>Bytes of a layer's weights that are converted for its products and kept until the way back.</summary>
    private long KeptWeights(TrainedTensors tensors)
    {
        long matrices = (long)_language.HiddenSize * (2 * Queries + 2 * Shared + 3L * _language.IntermediateSize);
        if (_lowRank is null) return _narrow == Wide ? 0 : _narrow * matrices;
        // A copy that is kept for good (Copies), or the weight itself, is none.
        TensorInfo? frozen = Frozen(tensors).FirstOrDefault();
        return frozen is null || frozen.ElementType == ScalarType.Float32 || ElementTypes.Bytes(frozen.ElementType) == _narrow ? 0 : _narrow * matrices;
    }

    private static IEnumerable<TensorInfo> Frozen(TrainedTensors tensors)
        => tensors.Held.Where(tensor => tensor.Name.StartsWith("model.layers.", StringComparison.Ordinal) && tensor.Name.EndsWith("_proj.weight", StringComparison.Ordinal));

    private static IReadOnlyList<PackedGroup> Groups(int[] rows) => rows.Length == 0 ? [] : PackedRows.Create(rows).Groups;
}
