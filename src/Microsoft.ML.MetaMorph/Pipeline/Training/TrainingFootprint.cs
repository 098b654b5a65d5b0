using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What Visual-Predictive Instruction Tuning takes in memory and on the disk, from sizes alone.</summary>
internal sealed class TrainingFootprint
{
    /// <summary>How far the estimate was from what is taken at most, as a share (docs/performance.md): where the weights themselves learn, and beside an adapter.</summary>
    private const double WholeUncertainty = 0.15, AdapterUncertainty = 0.25;

    /// <summary>What the runtime, libtorch and its threads take beside tensors.</summary>
    private const long Base = 250_000_000;

    private readonly List<(string Name, long Bytes)> _memory = [];
    private readonly TrainedTensors _tensors;

    /// <param name="config">The model's sizes.</param>
    /// <param name="options">Stage, precision, sequences, adapter.</param>
    /// <param name="compute">In which element type linear layers are computed.</param>
    /// <param name="rows">Positions of each row in the longest sequence that is computed at a time.</param>
    /// <param name="stored">In which element type a parameter is stored where the training starts; asked for what an adapter leaves as it is.</param>
    public TrainingFootprint(MetaMorphConfig config, VisualPredictiveTrainingOptions options, ScalarType compute, int[] rows, Func<string, ScalarType> stored)
    {
        _tensors = new TrainedTensors(config, options, stored);
        Uncertainty = options.LowRank is null ? WholeUncertainty : AdapterUncertainty;
        long trained = 4 * Trained;
        Add("runtime", Base);
        var activations = new ActivationFootprint(config, options, compute, rows, _tensors);
        Add("weights", _tensors.HeldBytes - activations.LetGo);
        Add("gradients", trained);
        Add("moments", 2 * trained);
        if (options.AveragingDecay is not null) Add("running average", trained);
        if (options.KeepBestWeights) Add("best weights", trained);
        if (activations.Copies > 0) Add("weights in the type of products", activations.Copies);
        // Logits are gone before the way back through the layers begins.
        Add("activations", activations.Kept);
        Add(activations.Back >= activations.Logits ? "way back" : "logits", Math.Max(activations.Back, activations.Logits));
        Add("holes between tensors", activations.Holes);
        Besides = trained * (3 + (options.AveragingDecay is null ? 0 : 1) + (options.KeepBestWeights ? 1 : 0));
        CheckpointBytes = Besides;
    }

    /// <summary>How far the estimate may be from what is taken, as a share.</summary>
    public double Uncertainty { get; }

    /// <summary>Parameters that learn and that do not, by part.</summary>
    public IReadOnlyDictionary<string, (long Trained, long Frozen)> Parts => _tensors.Parts;

    /// <summary>Parameters that learn.</summary>
    public long Trained => Parts.Values.Sum(part => part.Trained);

    /// <summary>Bytes by what they are for.</summary>
    public IReadOnlyList<(string Name, long Bytes)> Memory => _memory;

    /// <summary>Bytes at the peak.</summary>
    public long PeakBytes => _memory.Sum(part => part.Bytes);

    /// <summary>Bytes of a checkpoint: what learns, its two moments, and copies of it.</summary>
    public long CheckpointBytes { get; }

    /// <summary>Bytes that are there from the first step to the last, however short the rows are.</summary>
    public long HeldBytes => _tensors.HeldBytes + Besides;

    /// <summary>Bytes beside the weights that are there from the first step to the last: gradients, moments, and copies of what learns.</summary>
    private long Besides { get; }

    /// <summary>Refuses what cannot be, however short the rows are: weights, gradients, moments and copies alone take more than is available.</summary>
    /// <param name="what">The model in words, for messages; the start of a sentence.</param>
    /// <param name="advice">What to do about it, as a sentence.</param>
    /// <exception cref="InsufficientMemoryException">The message names both numbers and the parts.</exception>
    public void Require(string what, string advice)
        => MemoryEstimate.Of(what, _tensors.Held, part: name => TrainedTensors.IsAdapter(name) ? "adapter" : CheckpointKeys.Part(name)).Require(Besides, "training", advice: advice);

    private void Add(string name, long bytes) => _memory.Add((name, bytes));
}
