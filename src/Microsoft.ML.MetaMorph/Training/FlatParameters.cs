using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The trainable parameters of a model in one buffer and their gradients in another, so that optimizer, clipping and averaging
/// are one pass each instead of a loop over hundreds of tensors.
/// </summary>
/// <remarks>
/// <para>The constructor moves each parameter into the buffer (the <see cref="Parameter"/> objects and their names stay) and gives it
/// a view of the gradient buffer as <c>grad</c>; a backward pass adds into it.</para>
/// <para>Each parameter starts on a 64-byte boundary. The gaps hold zeros and stay zero: their gradients are zero.</para>
/// <para>Disposing gives the gradients back. The parameters stay where they are: the model goes on owning the buffer.</para>
/// </remarks>
internal sealed class FlatParameters : IDisposable
{
    private const long Alignment = 16;          // float32 elements: 64 bytes
    private const long NormChunk = 4096;        // float32 sums of this length lose nothing that matters; longer ones do

    public FlatParameters(IEnumerable<ParameterGroup> groups)
    {
        ParameterGroup[] all = [.. groups];
        var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
        var frozen = new List<(string, Parameter)>();
        var ranges = new List<GroupRange>();
        long end = 0;
        var slots = new List<FlatParameter>();
        foreach (ParameterGroup group in all)
        {
            long begin = end;
            foreach ((string name, Parameter parameter) in group.Parameters)
            {
                if (!seen.Add(parameter)) continue;
                if (!group.Trainable)
                {
                    frozen.Add((name, parameter));
                    continue;
                }
                Check(name, parameter, slots);
                slots.Add(new FlatParameter(name, parameter, end, parameter.numel()));
                end = RoundUp(end + parameter.numel(), Alignment);
            }
            if (end > begin) ranges.Add(new GroupRange(group, begin, end - begin));
        }
        if (slots.Count == 0) throw new ArgumentException($"Nothing to train: the groups {string.Join(", ", all.Select(g => $"'{g.Name}'"))} have no trainable parameter.", nameof(groups));
        Slots = slots;
        Groups = ranges;
        Frozen = frozen;
        foreach ((_, Parameter parameter) in frozen) parameter.requires_grad = false;
        Device device = slots[0].Parameter.device;
        Values = Reserve(end, device);
        Gradients = Reserve(end, device);
        MoveIn();
        // The places where they were would stay beside the buffer to the end: another one of its size does not fit there.
        AllocatorTuning.Release();
    }

    /// <summary>All trainable values, <c>[length]</c> float32.</summary>
    public Tensor Values { get; }

    /// <summary>Their gradients, at the same places.</summary>
    public Tensor Gradients { get; }

    public IReadOnlyList<FlatParameter> Slots { get; }

    public IReadOnlyList<GroupRange> Groups { get; }

    /// <summary>The parameters of groups that do not train.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> Frozen { get; }

    /// <summary>The number of trainable values, gaps not counted.</summary>
    public long Count => Slots.Sum(s => s.Length);

    /// <summary>The part of a buffer of this layout that belongs to a parameter, in the parameter's shape.</summary>
    public static Tensor View(Tensor buffer, FlatParameter slot)
    {
        using var scope = NewDisposeScope();
        return buffer.narrow(0, slot.Offset, slot.Length).view(slot.Parameter.shape).MoveToOuterDisposeScope();
    }

    /// <summary>The values by parameter, each name behind a prefix: views, not copies.</summary>
    /// <param name="prefix">Before each name.</param>
    /// <param name="buffer">Another buffer of this layout; null: the values.</param>
    public IEnumerable<KeyValuePair<string, Tensor>> Named(string prefix, Tensor? buffer = null) => Slots.Select(slot => KeyValuePair.Create(prefix + slot.Name, View(buffer ?? Values, slot)));

    /// <summary>Takes over what <see cref="Named"/> gave.</summary>
    /// <exception cref="InvalidDataException">A value is missing, unknown, or of another shape.</exception>
    public void Import(string prefix, IReadOnlyDictionary<string, Tensor> stored, Tensor? buffer = null)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> views = Named(prefix, buffer).ToDictionary();
        foreach ((string key, Tensor view) in views)
        {
            if (!stored.TryGetValue(key, out Tensor? value)) throw new InvalidDataException($"The stored weights have no '{key}': they are of another model or of other trainable parts.");
            if (!value.shape.SequenceEqual(view.shape)) throw new InvalidDataException($"The stored weights' '{key}' has the shape [{string.Join(", ", value.shape)}], the parameter has [{string.Join(", ", view.shape)}].");
        }
        if (stored.Keys.FirstOrDefault(key => !views.ContainsKey(key)) is { } unknown) throw new InvalidDataException($"The stored weights' '{unknown}' belongs to no trainable parameter.");
        foreach ((string key, Tensor view) in views) view.copy_(stored[key]);
    }

    public void ZeroGradients()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();      // zero_ gives a second tensor object over the same memory
        Gradients.zero_();
    }

    /// <summary>The Euclidean norm of all gradients; NaN or infinite if any gradient is.</summary>
    public double GradientNorm()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor chunks = linalg.vector_norm(Gradients.view(-1, NormChunk), 2, [1L]);
        return linalg.vector_norm(chunks.to(ScalarType.Float64)).item<double>();
    }

    /// <summary>Scales all gradients by min(1, <paramref name="maximum"/> / (norm + 1e-6)), as PyTorch does.</summary>
    /// <returns>The norm before.</returns>
    public double ClipGradients(double maximum)
    {
        double norm = GradientNorm();
        double factor = maximum / (norm + 1e-6);
        if (factor >= 1) return norm;
        using var mode = no_grad();
        using var scale = tensor((float)factor, device: Gradients.device);
        Gradients.mul_(scale);
        return norm;
    }

    /// <summary>A buffer of this layout, zeroed.</summary>
    public Tensor NewBuffer()
    {
        using var mode = no_grad();
        return zeros_like(Values).DetachFromDisposeScope();
    }

    public void Dispose()
    {
        foreach (FlatParameter slot in Slots) slot.Parameter.grad = null;
        Gradients.Dispose();
        Values.Dispose();
    }

    // The buffer is a multiple of the chunk so that the norm needs no remainder.
    private static Tensor Reserve(long length, Device device)
        => zeros(RoundUp(length, NormChunk), dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();

    private static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;

    private static void Check(string name, Parameter parameter, List<FlatParameter> slots)
    {
        if (parameter.dtype != ScalarType.Float32)
            throw new InvalidOperationException($"'{name}' is stored as {parameter.dtype}; training keeps its master weights in float32. Load the model in float32 to train it.");
        if (slots.Count > 0 && parameter.device.ToString() != slots[0].Parameter.device.ToString())
            throw new InvalidOperationException($"'{name}' lies on {parameter.device}, '{slots[0].Name}' on {slots[0].Parameter.device}; parameters that train together must share a device.");
    }

    private void MoveIn()
    {
        using var mode = no_grad();
        foreach (FlatParameter slot in Slots)
        {
            using var scope = NewDisposeScope();
            Tensor view = View(Values, slot);
            view.copy_(slot.Parameter);
            slot.Parameter.set_(view);
            slot.Parameter.requires_grad = true;
            slot.Parameter.grad = View(Gradients, slot).DetachFromDisposeScope();
        }
    }
}

/// <summary>Where a parameter lies in the buffers of <see cref="FlatParameters"/>.</summary>
internal sealed record FlatParameter(string Name, Parameter Parameter, long Offset, long Length);

/// <summary>Where a group lies in the buffers of <see cref="FlatParameters"/>: its trainable parameters and the gaps behind them.</summary>
internal sealed record GroupRange(ParameterGroup Group, long Offset, long Length);
