using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a model will take in memory, from names and shapes alone.</summary>
internal sealed class MemoryEstimate
{
    private const string LoadingAdvice = "Load it in a smaller element type (bfloat16), choose a smaller model, or free memory.";

    private readonly Dictionary<ScalarType, long> _byElementType = [];
    private readonly Dictionary<string, long> _byPart = new(StringComparer.Ordinal);

    private MemoryEstimate(string what) => What = what;

    /// <summary>The model, for messages: a checkpoint in quotation marks, or words.</summary>
    public string What { get; }

    public long TotalBytes { get; private set; }

    /// <summary>How many of the bytes are converted on loading; the others can stay mapped and be read when touched.</summary>
    public long ConvertedBytes { get; private set; }

    /// <summary>Estimates what loading takes.</summary>
    /// <param name="archive">Only its names and shapes are looked at.</param>
    /// <param name="elementType">The type that floating-point tensors are loaded in; null = as stored.</param>
    /// <param name="part">Groups names; null = the parts of a MetaMorph checkpoint.</param>
    public static MemoryEstimate Of(TensorArchive archive, ScalarType? elementType = null, Func<string, string>? part = null)
        => Of($"'{archive.Location}'", archive.Tensors.Values, elementType, part);

    /// <summary>Estimates what a model takes that is not stored.</summary>
    /// <param name="what">The model in words, for messages; the start of a sentence.</param>
    /// <param name="tensors">Names, types and shapes.</param>
    /// <param name="elementType">The type that floating-point tensors are held in; null = theirs.</param>
    /// <param name="part">Groups names; null = the parts of a MetaMorph checkpoint.</param>
    public static MemoryEstimate Of(string what, IEnumerable<TensorInfo> tensors, ScalarType? elementType = null, Func<string, string>? part = null)
    {
        part ??= CheckpointKeys.Part;
        var estimate = new MemoryEstimate(what);
        foreach (TensorInfo tensor in tensors)
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
    /// <param name="advice">What to do about it, as a sentence; null = what helps where a stored model is loaded.</param>
    /// <exception cref="InsufficientMemoryException">The message names both numbers and the parts.</exception>
    public void Require(long besides = 0, string purpose = "loading", long? available = null, string? advice = null)
    {
        long needed = checked(TotalBytes + besides), free = available ?? AvailableMemory.Measure();
        if (needed <= free) return;
        string parts = string.Join(", ", _byPart.OrderByDescending(p => p.Value).Select(p => $"{p.Key} {Size(p.Value)}"));
        string extra = besides == 0 ? "" : $" and {Size(besides)} besides";
        throw new InsufficientMemoryException($"{What}: {purpose} takes {Size(needed)} of memory ({parts}{extra}), but {Size(free)} are available. {advice ?? LoadingAdvice}");
    }

    public override string ToString() => $"{Size(TotalBytes)} ({string.Join(", ", _byElementType.OrderByDescending(t => t.Value).Select(t => $"{t.Key} {Size(t.Value)}"))})";

    private static void Add<TKey>(Dictionary<TKey, long> sums, TKey key, long bytes)
        where TKey : notnull => sums[key] = sums.GetValueOrDefault(key) + bytes;

    // Numbers below a tenth of a megabyte would all read 0.0.
    private static string Size(long bytes) => bytes >= 100_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes");
}
