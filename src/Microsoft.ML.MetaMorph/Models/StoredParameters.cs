using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Parameters out of an archive. On the CPU, in the stored element type, they alias the mapped file until they are written to.</summary>
/// <param name="archive">Stays the caller's; parameters outlive it.</param>
/// <param name="device">Where the parameters go; on the <c>meta</c> device names and shapes are checked and no element is read.</param>
/// <param name="elementType">The type that floating-point tensors are converted to; null = as stored.</param>
/// <param name="rename">The archive's name for a parameter's; null = the same.</param>
/// <param name="trainable">Whether floating-point parameters take gradients.</param>
internal sealed class StoredParameters(TensorArchive archive, Device device, ScalarType? elementType = null, Func<string, string>? rename = null, bool trainable = false) : ParameterSource
{
    private const int Shown = 10;

    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    public override Device Device => device;

    public override bool Has(string name) => archive.Tensors.ContainsKey(StoredName(name));

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        string stored = StoredName(name);
        TensorInfo info = archive.Tensors.TryGetValue(stored, out TensorInfo? found) ? found : throw Missing(name, stored, shape);
        if (!info.Shape.AsSpan().SequenceEqual(shape))
            throw new InvalidDataException($"'{info.File}': tensor '{archive.StoredName(stored)}' has the shape [{string.Join(", ", info.Shape)}], the model needs [{string.Join(", ", shape)}]. The weights and the configuration do not belong together.");
        _used.Add(stored);
        if (device.type == TorchSharp.DeviceType.META) return new Parameter(empty(shape, dtype: info.ElementType, device: device).DetachFromDisposeScope(), requires_grad: false);
        using var scope = NewDisposeScope();
        bool isFloating = ElementTypes.IsFloatingPoint(info.ElementType);
        Tensor values = archive.Read(stored).to(isFloating && elementType is { } wanted ? wanted : info.ElementType, device).contiguous();
        return new Parameter(values.DetachFromDisposeScope(), requires_grad: trainable && isFloating);
    }

    /// <summary>Checks, without reading an element, that an archive holds what a model needs, in its shapes, and nothing else.</summary>
    /// <param name="archive">The weights.</param>
    /// <param name="build">Makes the model, once, on the <c>meta</c> device; what it asks of the source is what it needs.</param>
    /// <param name="ignore">What the archive may hold besides.</param>
    /// <param name="hint">What stands behind an error, about the configuration that the model was made from (<see cref="ConfigKeys.Sentence"/>).</param>
    /// <exception cref="InvalidDataException">The message names the file, the tensors and their shapes.</exception>
    public static void Check(TensorArchive archive, Func<ParameterSource, nn.Module> build, Func<string, bool>? ignore = null, string hint = "")
    {
        TorchBackend.Require();         // often the first use of torch in a process
        var stored = new StoredParameters(archive, META);
        try
        {
            using nn.Module model = build(stored);
            stored.RefuseUnused(ignore);
        }
        catch (InvalidDataException failure) when (hint.Length > 0)
        {
            throw new InvalidDataException(failure.Message + hint, failure);
        }
    }

    /// <summary>The archive's tensors that no module asked for, in order, except those that <paramref name="ignore"/> accepts.</summary>
    public IReadOnlyList<string> Unused(Func<string, bool>? ignore = null)
        => [.. archive.Tensors.Keys.Where(n => !_used.Contains(n) && ignore?.Invoke(n) != true).Order(StringComparer.Ordinal)];

    /// <summary>Throws if <see cref="Unused"/> is not empty: a model that leaves weights unread is often configured wrongly.</summary>
    /// <exception cref="InvalidDataException">The message names the file and the tensors.</exception>
    public void RefuseUnused(Func<string, bool>? ignore = null)
    {
        if (Unused(ignore) is not { Count: > 0 } unused) return;
        string more = unused.Count > Shown ? $" and {unused.Count - Shown} more" : "";
        throw new InvalidDataException($"'{archive.Location}': the model uses {_used.Count} tensors and leaves {unused.Count} unread: {string.Join(", ", unused.Take(Shown).Select(archive.StoredName))}{more}. The weights and the configuration do not belong together.");
    }

    private string StoredName(string name) => rename?.Invoke(name) ?? name;

    private InvalidDataException Missing(string name, string stored, long[] shape)
    {
        string asked = stored == name ? "" : $" (for '{name}')";
        string tail = stored[(stored.LastIndexOf('.') + 1)..];
        string[] close = [.. archive.Tensors.Values.Where(t => t.Name.EndsWith(tail, StringComparison.Ordinal) && t.Shape.AsSpan().SequenceEqual(shape)).Select(t => t.Name).Order(StringComparer.Ordinal).Take(5)];
        string hint = close.Length == 0 ? "" : $" Tensors of that shape and a like name: {string.Join(", ", close)}.";
        return new InvalidDataException($"'{archive.Location}': tensor '{stored}'{asked} of shape [{string.Join(", ", shape)}] is missing among {archive.Tensors.Count}.{hint}");
    }
}
