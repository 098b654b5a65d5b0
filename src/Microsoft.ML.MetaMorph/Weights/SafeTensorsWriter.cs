using System.Globalization;
using System.Text.RegularExpressions;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Writes safetensors files as the Hugging Face libraries read them.</summary>
/// <remarks>
/// Tensors may lie on any device and be strided; they are written piece by piece, so that no second copy of a model is ever held.
/// Floating-point tensors can be converted on the way. Files appear whole or not at all.
/// </remarks>
internal static unsafe partial class SafeTensorsWriter
{
    /// <summary>What the Hugging Face libraries use.</summary>
    public const long DefaultShardBytes = 5_000_000_000;

    private const long PieceBytes = 1 << 26;

    /// <summary>Writes one file.</summary>
    /// <param name="path">The file; an existing one is replaced, its folder is made.</param>
    /// <param name="tensors">Names and tensors.</param>
    /// <param name="elementType">The type that floating-point tensors are written in; null = their own.</param>
    /// <param name="metadata">Strings beside <c>format: pt</c>.</param>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, ScalarType? elementType = null, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var file = new AtomicFile(path);
        Write(file.Stream, tensors, elementType, metadata);
        file.Commit();
    }

    /// <summary>Writes a file into a stream, which need not seek.</summary>
    /// <param name="stream">Where the bytes go.</param>
    /// <param name="tensors">Names and tensors.</param>
    /// <param name="elementType">The type that floating-point tensors are written in; null = their own.</param>
    /// <param name="metadata">Strings beside <c>format: pt</c>.</param>
    /// <param name="position">
    /// Where the stream's next byte will lie in the file that holds it (a zip entry, say). Only the padding depends on it: with the
    /// right value the tensors can be mapped in place, with another they are copied when read.
    /// </param>
    public static void Write(Stream stream, IEnumerable<KeyValuePair<string, Tensor>> tensors, ScalarType? elementType = null, IReadOnlyDictionary<string, string>? metadata = null, long position = 0)
        => Write(stream, SafeTensorsLayout.Plan(tensors, elementType, metadata, position));

    /// <summary>
    /// Writes <c>model.safetensors</c>, or <c>model-00001-of-0000N.safetensors</c> with an index where that is more than
    /// <paramref name="maxShardBytes"/>. Files of an earlier save under the same stem are removed afterwards, so that a reader cannot
    /// mix the two.
    /// </summary>
    /// <returns>The written files; the index, if any, is the last.</returns>
    public static IReadOnlyList<string> WriteSharded(string folder, IEnumerable<KeyValuePair<string, Tensor>> tensors, long maxShardBytes = DefaultShardBytes, ScalarType? elementType = null, string stem = "model", IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxShardBytes, 1);
        List<SafeTensorsLayout> shards = [.. Split(tensors, maxShardBytes, elementType).Select(s => SafeTensorsLayout.Plan(s, elementType, metadata, position: 0))];
        CheckNames(shards);
        var files = new List<AtomicFile>();
        try
        {
            for (int i = 0; i < shards.Count; i++)
            {
                files.Add(new AtomicFile(Path.Combine(folder, ShardName(stem, i, shards.Count))));
                Write(files[i].Stream, shards[i]);
                files[i].Close();
            }
            if (shards.Count > 1) files.Add(WriteIndex(folder, stem, shards));
            foreach (AtomicFile file in files) file.Commit();
        }
        finally
        {
            foreach (AtomicFile file in files) file.Dispose();
        }
        string[] written = [.. files.Select(f => f.Path)];
        RemoveEarlier(folder, stem, written);
        return written;
    }

    private static void Write(Stream stream, SafeTensorsLayout layout)
    {
        using var noGradient = no_grad();
        stream.Write(layout.Header);
        foreach (PlacedTensor placed in layout.Tensors) WriteElements(stream, placed);
        stream.Flush();
    }

    private static void WriteElements(Stream stream, PlacedTensor placed)
    {
        (Tensor tensor, long bytes) = (placed.Tensor, placed.End - placed.Begin);
        if (bytes == 0) return;
        if (tensor.device_type == DeviceType.META) throw new ArgumentException($"The tensor '{placed.Name}' lies on the meta device and has no elements to write.");
        bool direct = tensor.device_type == DeviceType.CPU && tensor.dtype == placed.ElementType && tensor.is_contiguous();
        if (direct || tensor.dim() == 0 || bytes <= PieceBytes)
        {
            WriteWhole(stream, tensor, placed.ElementType);
            return;
        }
        long rows = Math.Max(1, PieceBytes / (bytes / tensor.shape[0]));
        for (long row = 0; row < tensor.shape[0]; row += rows)
        {
            using Tensor piece = tensor.narrow(0, row, Math.Min(rows, tensor.shape[0] - row));
            WriteWhole(stream, piece, placed.ElementType);
        }
    }

    private static void WriteWhole(Stream stream, Tensor tensor, ScalarType elementType)
    {
        using var scope = NewDisposeScope();
        Tensor source = tensor.detach().to(elementType, CPU).contiguous();
        byte* next = (byte*)TensorMemory.Address(source);
        for (long left = source.numel() * ElementTypes.Bytes(elementType); left > 0;)
        {
            int count = (int)Math.Min(left, PieceBytes);
            stream.Write(new ReadOnlySpan<byte>(next, count));
            next += count;
            left -= count;
        }
        GC.KeepAlive(source);
    }

    /// <summary>Fills shards in the given order; a tensor is never cut, so one that is larger than a shard has its own.</summary>
    private static List<List<KeyValuePair<string, Tensor>>> Split(IEnumerable<KeyValuePair<string, Tensor>> tensors, long maxShardBytes, ScalarType? elementType)
    {
        List<List<KeyValuePair<string, Tensor>>> shards = [[]];
        long filled = 0;
        foreach (KeyValuePair<string, Tensor> entry in tensors)
        {
            long bytes = entry.Value.numel() * ElementTypes.Bytes(SafeTensorsLayout.StoredType(entry.Value, elementType));
            if (filled + bytes > maxShardBytes && shards[^1].Count > 0)
            {
                shards.Add([]);
                filled = 0;
            }
            shards[^1].Add(entry);
            filled += bytes;
        }
        return shards;
    }

    private static void CheckNames(List<SafeTensorsLayout> shards)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (PlacedTensor placed in shards.SelectMany(s => s.Tensors))
        {
            if (!names.Add(placed.Name)) throw new ArgumentException($"Two tensors are named '{placed.Name}'.");
        }
    }

    private static AtomicFile WriteIndex(string folder, string stem, List<SafeTensorsLayout> shards)
    {
        var file = new AtomicFile(Path.Combine(folder, stem + ".safetensors.index.json"));
        var places = shards.SelectMany((shard, i) => shard.Tensors.Select(t => KeyValuePair.Create(t.Name, ShardName(stem, i, shards.Count))));
        ShardIndex.Write(file.Stream, places, shards.Sum(s => s.DataBytes));
        file.Close();
        return file;
    }

    private static string ShardName(string stem, int index, int count)
        => count == 1 ? stem + ".safetensors" : string.Create(CultureInfo.InvariantCulture, $"{stem}-{index + 1:D5}-of-{count:D5}.safetensors");

    private static void RemoveEarlier(string folder, string stem, string[] written)
    {
        foreach (string path in Directory.EnumerateFiles(folder, stem + "*"))
        {
            string rest = Path.GetFileName(path)[stem.Length..];
            if (ShardSuffix().IsMatch(rest) && !written.Contains(Path.GetFullPath(path))) File.Delete(path);
        }
    }

    [GeneratedRegex(@"^(-\d{5}-of-\d{5})?\.safetensors$|^\.safetensors\.index\.json$", RegexOptions.CultureInvariant)]
    private static partial Regex ShardSuffix();
}
