using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Writes a folder with random weights in Hugging Face layout and the inputs of a task, which both sides read.</summary>
/// <remarks>A folder is written whole: its stamp comes last, and a folder with the same stamp is used again.</remarks>
internal sealed class ModelFolder
{
    public const string Inputs = "inputs.safetensors";
    private const string Stamp = "prepared.txt";
    private const int Seed = 20241214;

    private readonly string _stamp;

    /// <param name="path">Where.</param>
    /// <param name="stamp">What the folder holds, in words; another text makes it anew.</param>
    public ModelFolder(string path, string stamp)
    {
        Path = path;
        _stamp = stamp;
    }

    public string Path { get; }

    /// <summary>Writes the folder unless it is there.</summary>
    public void Prepare(Action<ModelFolder> write)
    {
        string stamp = System.IO.Path.Combine(Path, Stamp);
        if (File.Exists(stamp) && File.ReadAllText(stamp) == _stamp) return;
        Directory.CreateDirectory(Path);
        File.Delete(stamp);
        using (no_grad())
        using (NewDisposeScope())
        {
            write(this);
        }
        File.WriteAllText(stamp, _stamp);
    }

    /// <summary>Random parameters, the same in every run.</summary>
    public static FreshParameters Fresh(ScalarType elementType = ScalarType.Float32)
    {
        var generator = new Generator(Seed);
        return new FreshParameters(CPU, generator, elementType);
    }

    public void WriteModel(nn.Module model)
        => SafeTensorsWriter.Write(System.IO.Path.Combine(Path, "model.safetensors"), model.named_parameters().Select(p => KeyValuePair.Create(p.name, (Tensor)p.parameter)));

    public void WriteConfig(byte[] json) => File.WriteAllBytes(System.IO.Path.Combine(Path, "config.json"), json);

    /// <summary>The configuration, with some entries replaced.</summary>
    public void WriteConfig(byte[] json, params ReadOnlySpan<(string Key, JsonNode? Value)> changes)
    {
        JsonObject root = JsonNode.Parse(json)!.AsObject();
        foreach ((string key, JsonNode? value) in changes) root[key] = value;
        File.WriteAllText(System.IO.Path.Combine(Path, "config.json"), root.ToJsonString());
    }

    public void WriteInputs(params ReadOnlySpan<(string Name, Tensor Values)> inputs)
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach ((string name, Tensor values) in inputs) tensors[name] = values;
        SafeTensorsWriter.Write(System.IO.Path.Combine(Path, Inputs), tensors);
    }
}
