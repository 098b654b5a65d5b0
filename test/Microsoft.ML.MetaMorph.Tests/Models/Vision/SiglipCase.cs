using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What the checks of SigLIP cases share: the config, the weights, and figures by their names.</summary>
internal sealed class SiglipCase(ReferenceCase reference)
{
    public JsonElement Config { get; } = JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement;

    /// <summary>Constructs the model from the case's weights; each tensor of the file must be one of the model's, and the other way round.</summary>
    public T Build<T>(Func<ParameterSource, T> construct)
        where T : nn.Module
    {
        var parameters = new PlainParameters(reference.Path("model.safetensors"));
        T model = construct(parameters);
        CollectionAssert.AreEquivalent(parameters.Names.ToArray(), model.state_dict().Keys.ToArray(), $"{reference.Name}: names of the tensors");
        return model;
    }

    public Tensor Input(string name) => reference[name];

    public void AreClose(string name, Tensor actual) => reference.AreClose(Input(name), actual, reference.Tolerance, name);
}
