using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What Visual-Predictive Instruction Tuning takes in memory and on the disk, from sizes alone.</summary>
/// <remarks>
/// What is held for every trained value is exact. What the way back needs is counted from the layers as they are written, tensor by tensor, for
/// sequences as long as a step's can be; the allocator keeps some more, and rows that are shorter than their sequence need less.
/// </remarks>
internal sealed class TrainingFootprint
{
    /// <summary>How far the estimate may be from what is taken, as a share.</summary>
    public const double Uncertainty = 0.25;

    /// <summary>What the runtime, libtorch and its threads take before there is a model.</summary>
    private const long Base = 250L << 20;

    /// <summary>Chunks of logits that exist at a time: themselves, their logarithms, their gradient.</summary>
    private const int LogitCopies = 3;

    private const string LayerPrefix = "model.layers.0.";

    private readonly SortedDictionary<string, (long Trained, long Frozen)> _parts = new(StringComparer.Ordinal);
    private readonly List<(string Name, long Bytes)> _memory = [];

    /// <param name="config">The model's sizes.</param>
    /// <param name="options">Stage, precision, sequences.</param>
    /// <param name="compute">In which element type linear layers are computed.</param>
    /// <param name="longestSequence">Positions of the longest sequence that is computed at a time.</param>
    public TrainingFootprint(MetaMorphConfig config, VisualPredictiveTrainingOptions options, ScalarType compute, long longestSequence)
    {
        Count(config, options);
        long trained = Trained, all = trained + _parts.Values.Sum(part => part.Frozen);
        Add("runtime", Base);
        Add("weights", 4 * all);
        Add("gradients", 4 * trained);
        Add("moments", 8 * trained);
        if (options.AveragingDecay is not null) Add("running average", 4 * trained);
        if (options.KeepBestWeights) Add("best weights", 4 * trained);
        Add("activations", Activations(config.Language, options.ActivationCheckpointing, compute, longestSequence));
        Add("logits", LogitCopies * 4 * Math.Min(longestSequence * config.Language.VocabularySize, VisualPredictiveObjective.DefaultLogitBudget));
        CheckpointBytes = 4 * trained * (3 + (options.AveragingDecay is null ? 0 : 1) + (options.KeepBestWeights ? 1 : 0));
    }

    /// <summary>Parameters that learn and that do not, by part.</summary>
    public IReadOnlyDictionary<string, (long Trained, long Frozen)> Parts => _parts;

    /// <summary>Parameters that learn.</summary>
    public long Trained => _parts.Values.Sum(part => part.Trained);

    /// <summary>Bytes by what they are for.</summary>
    public IReadOnlyList<(string Name, long Bytes)> Memory => _memory;

    /// <summary>Bytes at the peak.</summary>
    public long PeakBytes => _memory.Sum(part => part.Bytes);

    /// <summary>Bytes of a checkpoint.</summary>
    public long CheckpointBytes { get; }

    private void Add(string name, long bytes) => _memory.Add((name, bytes));

    /// <summary>Counts on the meta device, with one layer for all: they are alike.</summary>
    private void Count(MetaMorphConfig config, VisualPredictiveTrainingOptions options)
    {
        using var single = new MetaMorphModel(config with { Language = config.Language with { LayerCount = 1 } }, new MetaParameters());
        foreach (ParameterGroup group in MetaMorphParts.Groups(single, options))
        {
            long count = group.Parameters.Sum(entry => entry.Parameter.numel() * (entry.Name.StartsWith(LayerPrefix, StringComparison.Ordinal) ? config.Language.LayerCount : 1));
            if (count == 0) continue;
            string part = group.Name.Split(" (")[0];
            (long trained, long frozen) = _parts.GetValueOrDefault(part);
            _parts[part] = group.Trainable ? (trained + count, frozen) : (trained, frozen + count);
        }
    }

    private static long Activations(LanguageModelConfig language, bool checkpointing, ScalarType compute, long length)
    {
        int narrow = compute == ScalarType.BFloat16 ? 2 : 4;
        long hidden = language.HiddenSize, inner = language.IntermediateSize;
        long queries = (long)language.HeadCount * language.HeadWidth, shared = (long)language.KeyValueHeadCount * language.HeadWidth;
        // Two norms: their input, what is scaled, and what goes into the product.
        long norms = 2 * (2 * 4 * hidden + narrow * hidden);
        // Queries, keys, values and the answer as attention keeps them, and the answer as the output layer takes it.
        long attention = 4 * (2 * queries + 2 * shared) + narrow * queries;
        // Gate, up, gate behind its activation, and their product.
        long feedForward = 4 * narrow * inner;
        long layer = length * (norms + attention + feedForward);
        // A product in another element type keeps the converted weight for the way back.
        if (narrow == 2) layer += 2 * (hidden * (2 * queries + 2 * shared) + 3 * hidden * inner);
        // The way back through a layer: gradients of its widest tensors, and of a weight before it is added.
        long back = length * (3 * 4 * inner + 4 * 4 * hidden) + 4 * hidden * inner;
        return back + (checkpointing ? layer + length * 4 * hidden * (language.LayerCount + 1) : layer * language.LayerCount);
    }
}
