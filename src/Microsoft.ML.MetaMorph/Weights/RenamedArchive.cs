using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>An archive seen under other names; names that map to null are left out. Disposing it disposes the archive beneath.</summary>
internal sealed class RenamedArchive : TensorArchive
{
    private readonly TensorArchive _inner;
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">Two stored names map to one.</exception>
    public RenamedArchive(TensorArchive inner, Func<string, string?> rename)
    {
        _inner = inner;
        foreach ((string stored, TensorInfo info) in inner.Tensors)
        {
            if (rename(stored) is not { } name) continue;
            if (!_stored.TryAdd(name, stored)) throw new InvalidDataException($"'{inner.Location}': the tensors '{_stored[name]}' and '{stored}' both stand for '{name}'.");
            _tensors[name] = info with { Name = name };
        }
    }

    public override string Location => _inner.Location;

    public override IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public override string StoredName(string name) => _inner.StoredName(_stored[Find(name).Name]);

    public override Tensor Read(string name) => _inner.Read(_stored[Find(name).Name]);

    public override void Dispose() => _inner.Dispose();
}
