using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The shards of one model as one archive.</summary>
internal sealed class ShardedArchive : TensorArchive
{
    private readonly List<TensorArchive> _shards = [];
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorArchive> _owners = new(StringComparer.Ordinal);

    private ShardedArchive(string location) => Location = location;

    public override string Location { get; }

    public override IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>Opens every shard that the index names.</summary>
    /// <exception cref="InvalidDataException">A shard is missing or broken, or lacks a tensor that the index promises.</exception>
    public static ShardedArchive Open(string indexPath)
    {
        ShardIndex index = ShardIndex.Read(indexPath);
        var archive = new ShardedArchive(indexPath);
        try
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(indexPath))!;
            foreach (IGrouping<string, KeyValuePair<string, string>> shard in index.Files.GroupBy(f => f.Value, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
                archive.Add(Path.Combine(folder, shard.Key), [.. shard.Select(f => f.Key)], index);
            return archive;
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    public override Tensor Read(string name)
    {
        Find(name);
        return _owners[name].Read(name);
    }

    public override void Dispose()
    {
        foreach (TensorArchive shard in _shards) shard.Dispose();
    }

    private void Add(string path, IReadOnlyList<string> promised, ShardIndex index)
    {
        if (!File.Exists(path)) throw new InvalidDataException($"'{Location}': the shard '{path}' does not exist; it should hold {promised.Count} tensors, among them '{promised[0]}'.");
        TensorArchive shard = OpenFile(path);
        _shards.Add(shard);
        foreach (string name in promised)
        {
            if (!shard.Tensors.ContainsKey(name)) throw new InvalidDataException($"'{Location}': the index says that '{path}' holds tensor '{name}', but the shard does not have it.");
        }
        foreach ((string name, TensorInfo info) in shard.Tensors)
        {
            if (index.Files.TryGetValue(name, out string? file) && file != Path.GetFileName(path)) continue;   // the index decides which copy counts
            if (!_tensors.TryAdd(name, info)) throw new InvalidDataException($"'{Location}': tensor '{name}' lies in '{_tensors[name].File}' and in '{path}', and the index names neither.");
            _owners[name] = shard;
        }
    }
}
