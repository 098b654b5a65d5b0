using System.Collections;
using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Modules registered under their numbers: <c>layers.0</c>, <c>layers.1</c>, …</summary>
internal sealed class ModuleList<T> : NamedModule, IReadOnlyList<T>
    where T : nn.Module
{
    private readonly T[] _modules;

    public ModuleList(IEnumerable<T> modules)
        : base(nameof(ModuleList<T>))
    {
        _modules = [.. modules];
        for (int i = 0; i < _modules.Length; i++) register_module(i.ToString(CultureInfo.InvariantCulture), _modules[i]);
    }

    public int Count => _modules.Length;

    public T this[int index] => _modules[index];

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_modules).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _modules.GetEnumerator();
}
