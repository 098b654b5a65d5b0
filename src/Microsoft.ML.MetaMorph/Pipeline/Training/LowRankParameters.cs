using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A start for low-rank training: what learns is copied in float32, what is frozen stays where it lies, or is rounded to eight bits.</summary>
internal static class LowRankParameters
{
    private const string Layers = "model.layers.", Weight = ".weight", Embedding = "embed_tokens";

    /// <summary>The parameters of a stored model.</summary>
    /// <param name="archive">Stays the caller's; parameters outlive it.</param>
    /// <param name="device">Where the training happens.</param>
    /// <param name="options">Null: everything learns.</param>
    public static ParameterSource Of(TensorArchive archive, Device device, LowRankOptions? options)
    {
        // A float32 file is mapped copy-on-write; training writes everything that learns, so that is copied at once and the file let go.
        var learning = new OwnedParameters(new StoredParameters(archive, device, ScalarType.Float32, trainable: true));
        return options is null ? learning : new PartedParameters(options.ToConfig().IsSaved, learning, Frozen(new StoredParameters(archive, device), options));
    }

    /// <summary>The parameters of another model, which stays as it is.</summary>
    /// <param name="source">The other model's parameters.</param>
    /// <param name="device">Where the training happens.</param>
    /// <param name="options">Null: everything learns.</param>
    public static ParameterSource Of(IReadOnlyDictionary<string, Tensor> source, Device device, LowRankOptions? options)
    {
        var learning = new CopiedParameters(source, device);
        return options is null ? learning : new PartedParameters(options.ToConfig().IsSaved, learning, Frozen(new SharedParameters(source, device), options));
    }

    /// <summary>What a training holds: the model's tensors as they will lie in memory, and those that learn.</summary>
    /// <param name="tensors">Names, types and shapes of the model as it is stored.</param>
    /// <param name="options">The adapter.</param>
    public static (IReadOnlyList<TensorInfo> Held, long TrainedBytes) Plan(IEnumerable<TensorInfo> tensors, LowRankOptions options)
    {
        LowRankConfig config = options.ToConfig();
        var held = new List<TensorInfo>();
        long trained = 0;
        foreach (TensorInfo tensor in tensors)
        {
            if (config.IsSaved(tensor.Name))
            {
                Learns(tensor with { ElementType = ScalarType.Float32 });
                continue;
            }
            bool isRounded = IsRounded(options, tensor.Name) && tensor.Shape.Length == 2 && tensor.Name.EndsWith(Weight, StringComparison.Ordinal);
            held.Add(isRounded ? tensor with { ElementType = ScalarType.Int8 } : tensor);
            if (isRounded) held.Add(tensor with { Name = tensor.Name + "_scale", ElementType = ScalarType.Float32, Shape = [tensor.Shape[0], tensor.Shape[1] / Int8Weight.GroupWidth(tensor.Shape[1])] });
            if (tensor.Shape.Length != 2 || !tensor.Name.EndsWith(Weight, StringComparison.Ordinal) || !IsAdapted(config, tensor.Name[..^Weight.Length])) continue;
            string layer = tensor.Name[..^Weight.Length];
            Learns(tensor with { Name = layer + ".lora_A.weight", ElementType = ScalarType.Float32, Shape = [config.RankOf(layer), tensor.Shape[1]] });
            Learns(tensor with { Name = layer + ".lora_B.weight", ElementType = ScalarType.Float32, Shape = [tensor.Shape[0], config.RankOf(layer)] });
        }
        return (held, trained);

        void Learns(TensorInfo tensor)
        {
            held.Add(tensor);
            trained = checked(trained + tensor.Bytes);
        }
    }

    // The embedding table is a matrix too, but no linear layer.
    private static bool IsAdapted(LowRankConfig config, string layer) => !ModuleNames.IsAt(Embedding, layer) && config.IsTarget(layer);

    private static ParameterSource Frozen(ParameterSource stored, LowRankOptions options)
        => options.FrozenWeights == FrozenWeights.Int8 ? new Int8Parameters(stored, name => IsRounded(options, name)) : stored;

    private static bool IsRounded(LowRankOptions options, string name) => options.FrozenWeights == FrozenWeights.Int8 && name.StartsWith(Layers, StringComparison.Ordinal);
}
