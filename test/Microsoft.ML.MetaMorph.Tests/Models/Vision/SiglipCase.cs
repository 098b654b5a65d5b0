using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What the checks of SigLIP cases share: the config, the weights, and the rule that no given tensor stays unread.</summary>
internal sealed class SiglipCase(ReferenceCase reference)
{
    private readonly HashSet<string> _read = [];

    public JsonElement Config { get; } = JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement;

    public T Build<T>(Func<ParameterSource, T> construct, bool trainable = false)
    {
        var parameters = new CaseParameters(PlainSafeTensors.Read(reference.Path("model.safetensors")), trainable);
        T model = construct(parameters);
        Assert.AreEqual("", string.Join(", ", parameters.Unused), $"{reference.Name}: tensors that the model does not know");
        return model;
    }

    public Tensor Input(string name)
    {
        _read.Add(name);
        return reference[name];
    }

    public bool Has(string name) => reference.Tensors.ContainsKey(name);

    public IEnumerable<string> Names => reference.Tensors.Keys.Order(StringComparer.Ordinal);

    public void AreClose(string name, Tensor actual) => reference.AreClose(Input(name), actual, reference.Tolerance, name);

    /// <summary>Fails for tensors of the case that nothing was compared with: a wrong value in them would pass unseen.</summary>
    public void EverythingWasRead() => Assert.AreEqual("", string.Join(", ", Names.Except(_read)), $"{reference.Name}: tensors that this check does not know");
}
