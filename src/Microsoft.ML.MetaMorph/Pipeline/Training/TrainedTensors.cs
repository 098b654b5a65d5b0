using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a training of a MetaMorph holds: its tensors as they lie in memory, and which of them learn. Counted on the meta device, where nothing has elements.</summary>
internal sealed class TrainedTensors
{
    private const string FirstLayer = "model.layers.0.";

    private readonly SortedDictionary<string, (long Trained, long Frozen)> _parts = new(StringComparer.Ordinal);

    /// <param name="config">The model's sizes.</param>
    /// <param name="options">Stage and adapter.</param>
    /// <param name="stored">In which element type a parameter is stored; asked for what an adapter leaves as it is.</param>
    public TrainedTensors(MetaMorphConfig config, VisualPredictiveTrainingOptions options, Func<string, ScalarType> stored)
    {
        // One layer stands for all: they are alike, and thousands take long to build even without elements.
        using var single = new MetaMorphModel(config with { Language = config.Language with { LayerCount = 1 } }, new MetaParameters());
        if (options.LowRank is { } lowRank) Held = Adapted(single, config.Language.LayerCount, lowRank, stored);
        else Held = Whole(single, config.Language.LayerCount, options);
    }

    /// <summary>Names, element types and shapes; without an adapter, the layers' tensors together.</summary>
    public IReadOnlyList<TensorInfo> Held { get; }

    /// <summary>Bytes of all of them.</summary>
    public long HeldBytes => Held.Sum(tensor => tensor.Bytes);

    /// <summary>Parameters that learn and that do not, by part.</summary>
    public IReadOnlyDictionary<string, (long Trained, long Frozen)> Parts => _parts;

    /// <summary>Whether a tensor is an adapter's.</summary>
    public static bool IsAdapter(string name) => name.Contains(".lora_", StringComparison.Ordinal);

    private List<TensorInfo> Whole(MetaMorphModel single, int layers, VisualPredictiveTrainingOptions options)
    {
        var held = new List<TensorInfo>();
        foreach (ParameterGroup group in MetaMorphParts.Groups(single, options))
        {
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in group.Parameters)
            {
                var tensor = new TensorInfo(name, ScalarType.Float32, name.StartsWith(FirstLayer, StringComparison.Ordinal) ? [layers, .. parameter.shape] : parameter.shape, "");
                held.Add(tensor);
                Count(MetaMorphParts.NameOf(name), tensor.ElementCount, group.Trainable);
            }
        }

        return held;
    }

    /// <summary>An adapter may change some layers and not others, so each is listed.</summary>
    private IReadOnlyList<TensorInfo> Adapted(MetaMorphModel single, int layers, LowRankOptions options, Func<string, ScalarType> stored)
    {
        LowRankConfig config = options.ToConfig();
        IEnumerable<TensorInfo> tensors = single.named_parameters().SelectMany(entry => Names(entry.name, layers).Select(name => new TensorInfo(name, stored(name), entry.parameter.shape, "")));
        IReadOnlyList<TensorInfo> held = LowRankParameters.Plan(tensors, options).Held;
        foreach (TensorInfo tensor in held)
        {
            if (IsAdapter(tensor.Name)) Count("low-rank adapter", tensor.ElementCount, learns: true);
            else if (config.IsSaved(tensor.Name)) Count(MetaMorphParts.NameOf(tensor.Name), tensor.ElementCount, learns: true);
            // Scales belong to the weights that they are of.
            else if (!tensor.Name.EndsWith(Int8Weight.ScaleName, StringComparison.Ordinal)) Count("frozen base", tensor.ElementCount, learns: false);
        }

        return held;
    }

    private static IEnumerable<string> Names(string name, int layers)
        => name.StartsWith(FirstLayer, StringComparison.Ordinal) ? Enumerable.Range(0, layers).Select(i => $"model.layers.{i}.{name[FirstLayer.Length..]}") : [name];

    private void Count(string part, long count, bool learns)
    {
        (long trained, long frozen) = _parts.GetValueOrDefault(part);
        _parts[part] = learns ? (trained + count, frozen) : (trained, frozen + count);
    }
}
