using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Several archives as one, the names of each behind a prefix. Disposing it disposes them.</summary>
internal sealed class CombinedArchive : TensorArchive
{
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (TensorArchive Archive, string Name)> _places = new(StringComparer.Ordinal);
    private readonly List<TensorArchive> _archives = [];

    /// <param name="location">What they make up, for messages.</param>
    public CombinedArchive(string location) => Location = location;

    public override string Location { get; }

    public override IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>Takes an archive over.</summary>
    /// <exception cref="InvalidDataException">A name occurs already.</exception>
    public void Add(string prefix, TensorArchive archive)
    {
        _archives.Add(archive);
        foreach ((string name, TensorInfo info) in archive.Tensors)
        {
            if (!_places.TryAdd(prefix + name, (archive, name))) throw new InvalidDataException($"'{Location}': tensor '{prefix + name}' lies in '{_tensors[prefix + name].File}' and in '{info.File}'.");
            _tensors[prefix + name] = info with { Name = prefix + name };
        }
    }

    public override string StoredName(string name)
    {
        Find(name);
        (TensorArchive archive, string stored) = _places[name];
        return archive.StoredName(stored);
    }

    public override Tensor Read(string name)
    {
        Find(name);
        (TensorArchive archive, string stored) = _places[name];
        return archive.Read(stored);
    }

    public override void Dispose()
    {
        foreach (TensorArchive archive in _archives) archive.Dispose();
    }
}
