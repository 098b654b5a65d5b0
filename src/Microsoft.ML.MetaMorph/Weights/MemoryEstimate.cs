using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a model will take in memory, from names and shapes alone.</summary>
internal sealed class MemoryEstimate
{
    private readonly Dictionary<ScalarType, long> _byElementType = [];
    private readonly Dictionary<string, long> _byPart = new(StringComparer.Ordinal);

    private MemoryEstimate(string location) => Location = location;

    /// <summary>The checkpoint, for messages.</summary>
    public string Location { get; }

    public long TotalBytes { get; private set; }

    /// <summary>How many of the bytes are converted on loading; the others can stay mapped and be read when touched.</summary>
    public long ConvertedBytes { get; private set; }

    public IReadOnlyDictionary<ScalarType, long> BytesByElementType => _byElementType;

    public IReadOnlyDictionary<string, long> BytesByPart => _byPart;

    /// <summary>Estimates what loading takes.</summary>
    /// <param name="archive">Only its names and shapes are looked at.</param>
    /// <param name="elementType">The type that floating-point tensors are loaded in; null = as stored.</param>
    /// <param name="part">Groups names; null = the parts of a MetaMorph checkpoint.</param>
    public static MemoryEstimate Of(TensorArchive archive, ScalarType? elementType = null, Func<string, string>? part = null)
    {
        part ??= CheckpointKeys.Part;
        var estimate = new MemoryEstimate(archive.Location);
        foreach (TensorInfo tensor in archive.Tensors.Values)
        {
            ScalarType loaded = elementType is { } wanted && ElementTypes.IsFloatingPoint(tensor.ElementType) ? wanted : tensor.ElementType;
            long bytes = checked(tensor.ElementCount * ElementTypes.Bytes(loaded));
            estimate.TotalBytes = checked(estimate.TotalBytes + bytes);
            if (loaded != tensor.ElementType) estimate.ConvertedBytes += bytes;
            Add(estimate._byElementType, loaded, bytes);
            Add(estimate._byPart, part(tensor.Name), bytes);
        }
        return estimate;
    }

    /// <summary>Throws where the machine has less memory than this and <paramref name="besides"/> take together.</summary>
    /// <param name="besides">Bytes beside the weights: gradients, optimizer state, caches, activations.</param>
    /// <param name="purpose">What it is for, such as "training"; for the message.</param>
    /// <param name="available">Bytes that are free; null = measured now.</param>
    /// <exception cref="InsufficientMemoryException">The message names both numbers and the parts.</exception>
    public void Require(long besides = 0, string purpose = "loading", long? available = null)
    {
        long needed = checked(TotalBytes + besides), free = available ?? AvailableMemory.Measure();
        if (needed <= free) return;
        string parts = string.Join(", ", _byPart.OrderByDescending(p => p.Value).Select(p => $"{p.Key} {Megabytes(p.Value)}"));
        string extra = besides == 0 ? "" : $" and {Megabytes(besides)} besides";
        throw new InsufficientMemoryException(
            $"'{Location}': {purpose} takes {Megabytes(needed)} of memory ({parts}{extra}), but {Megabytes(free)} are available. "
            + "Load it in a smaller element type (bfloat16), choose a smaller model, or free memory.");
    }

    public override string ToString() => $"{Megabytes(TotalBytes)} ({string.Join(", ", _byElementType.OrderByDescending(t => t.Value).Select(t => $"{t.Key} {Megabytes(t.Value)}"))})";

    private static void Add<TKey>(Dictionary<TKey, long> sums, TKey key, long bytes)
        where TKey : notnull => sums[key] = sums.GetValueOrDefault(key) + bytes;

    private static string Megabytes(long bytes) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB");
}
