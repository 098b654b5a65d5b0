using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Named tensors in files. Opening reads names and shapes only; elements are read when a tensor is asked for.</summary>
/// <remarks>
/// Reading is safe from several threads. Tensors stay valid after the archive is disposed. Files must not be shortened by others
/// while they are mapped; <see cref="SafeTensorsWriter"/> never does that, it replaces whole files.
/// </remarks>
internal abstract class TensorArchive : IDisposable
{
    /// <summary>The file or folder, for messages.</summary>
    public abstract string Location { get; }

    public abstract IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>
    /// The tensor on the CPU. It aliases a copy-on-write mapping of the file where the format allows: writing to it never reaches
    /// the file, but two reads of one tensor share their elements.
    /// </summary>
    /// <exception cref="KeyNotFoundException">The archive has no such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The archive is disposed.</exception>
    public abstract Tensor Read(string name);

    /// <summary>Opens a file or a Hugging Face folder.</summary>
    /// <param name="path">
    /// A <c>.safetensors</c>, <c>.bin</c>, <c>.pt</c>, <c>.pth</c> or <c>.ckpt</c> file, a <c>*.index.json</c> or <c>*.index.fp16.json</c> of shards, or a folder
    /// that holds one of them (safetensors are preferred).
    /// </param>
    /// <param name="variant">The variant of a folder's files, such as <c>fp16</c>; null for the plain ones.</param>
    /// <exception cref="FileNotFoundException">Nothing is there; the message lists what was looked for.</exception>
    /// <exception cref="InvalidDataException">The file is broken, truncated, hostile, or of another kind.</exception>
    public static TensorArchive Open(string path, string? variant = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) return OpenFile(WeightFiles.Choose(path, variant));
        if (File.Exists(path)) return OpenFile(path);
        throw new FileNotFoundException($"'{path}': no such file or folder of weights.", path);
    }

    /// <summary>The name under which the file holds a tensor of this archive, for messages.</summary>
    /// <exception cref="KeyNotFoundException">The archive has no such tensor.</exception>
    public virtual string StoredName(string name) => Find(name).Name;

    public virtual void Dispose()
    {
    }

    internal static TensorArchive OpenFile(string path)
    {
        if (WeightFiles.IsIndex(path)) return ShardedArchive.Open(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".safetensors" => SafeTensorsArchive.Open(path),
            ".bin" or ".pt" or ".pth" or ".ckpt" => TorchArchive.Open(path),
            string other => throw new InvalidDataException($"'{path}': unknown kind of weights '{other}'. Known: .safetensors, .bin, .pt, .pth, .ckpt, .index.json, or a folder."),
        };
    }

    /// <summary>The entry of <paramref name="name"/>, or an error that names the archive and close names.</summary>
    protected TensorInfo Find(string name) => Tensors.TryGetValue(name, out TensorInfo? info) ? info : throw Missing(name);

    private KeyNotFoundException Missing(string name)
    {
        string tail = name[(name.LastIndexOf('.') + 1)..];
        string[] close = [.. Tensors.Keys.Where(k => k.EndsWith(tail, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Take(5)];
        string hint = close.Length == 0 ? "" : $" Names that end alike: {string.Join(", ", close)}.";
        return new KeyNotFoundException($"'{Location}': no tensor '{name}' among {Tensors.Count}.{hint}");
    }
}
