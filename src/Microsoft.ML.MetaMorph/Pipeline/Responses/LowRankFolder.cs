using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A low-rank adapter as PEFT stores it: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c> (or <c>.bin</c>).</summary>
internal sealed class LowRankFolder : IDisposable
{
    public const string ConfigName = "adapter_config.json";

    private const string WeightsName = "adapter_model.safetensors", PickledName = "adapter_model.bin";

    /// <summary>Before every name: PEFT's wrapper, and the model in it.</summary>
    private const string Prefix = "base_model.model.";

    private const string UpdateMark = ".lora_";

    private readonly TensorArchive _archive;
    private readonly StoredParameters _stored;

    private LowRankFolder(LowRankConfig config, TensorArchive archive, string folder, Device device)
    {
        Config = config;
        _archive = archive;
        Folder = folder;
        // PEFT computes adapters in float32 too, whatever they are stored in.
        _stored = new StoredParameters(archive, device, ScalarType.Float32, name => Prefix + name);
    }

    public LowRankConfig Config { get; }

    public string Folder { get; }

    /// <summary>Opens a folder; no element is read yet.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device">Where the adapter goes.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is broken.</exception>
    /// <exception cref="NotSupportedException">The configuration asks for something that is not built.</exception>
    public static LowRankFolder Open(string folder, Device device)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"'{folder}' is no folder; an adapter is a folder with {ConfigName} and {WeightsName}.");
        string config = Path.Combine(folder, ConfigName), weights = Path.Combine(folder, WeightsName), pickled = Path.Combine(folder, PickledName);
        if (!File.Exists(config)) throw new FileNotFoundException($"'{folder}' has no {ConfigName}; is it a whole model, and no adapter?", config);
        LowRankConfig parsed = JsonFile.Read(config, LowRankConfigJson.Parse);
        if (!File.Exists(weights) && !File.Exists(pickled)) throw new FileNotFoundException($"'{folder}' has neither {WeightsName} nor {PickledName}.", weights);
        return new LowRankFolder(parsed, TensorArchive.Open(File.Exists(weights) ? weights : pickled), folder, device);
    }

    /// <summary>A model's parameters with those in their place that the adapter holds in full (modules_to_save).</summary>
    public ParameterSource Over(ParameterSource model) => new FallbackParameters(new Whole(this), model);

    /// <summary>Gives a model, made from <see cref="Over"/>, the adapter's updates.</summary>
    /// <exception cref="InvalidDataException">The adapter was made for another model; tensor and both shapes are named.</exception>
    public LowRankAdapter Attach(nn.Module model, CausalLanguageModel language) => Named(() =>
    {
        LowRankAdapter adapter = LowRankAdapter.Attach(model, language, Config, _stored);
        // What the model is made of is asked for by now.
        _stored.RefuseUnused();
        return adapter;
    });

    /// <summary>Writes a folder; files of the same names are replaced.</summary>
    /// <param name="folder">The folder; it is made where it does not exist.</param>
    /// <param name="model">The model that the adapter belongs to.</param>
    /// <param name="adapter">The adapter.</param>
    /// <param name="tied">Whether the model's output matrix is its embedding table.</param>
    public static void Save(string folder, nn.Module model, LowRankAdapter adapter, bool tied)
    {
        Directory.CreateDirectory(folder);
        IEnumerable<(string Name, Tensor Tensor)> updates = adapter.NamedParameters().Select(entry => (entry.Name, (Tensor)entry.Parameter));
        (string Name, Tensor Tensor)[] whole = [.. model.named_parameters().Where(entry => adapter.Config.IsSaved(entry.name)).Select(entry => (entry.name, (Tensor)entry.parameter))];
        SafeTensorsWriter.Write(Path.Combine(folder, WeightsName), updates.Concat(whole).Select(entry => KeyValuePair.Create(Prefix + entry.Name, entry.Tensor)));
        bool savesTied = tied && whole.Any(entry => entry.Name == "model.embed_tokens.weight");
        JsonFile.Write(Path.Combine(folder, ConfigName), writer => LowRankConfigJson.Write(writer, adapter.Config, savesTied));
    }

    public void Dispose() => _archive.Dispose();

    private T Named<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidDataException failure)
        {
            throw new InvalidDataException($"The adapter '{Folder}' does not fit the model, which is another one than it was trained for: {failure.Message}", failure);
        }
    }

    private sealed class Whole(LowRankFolder folder) : ParameterSource
    {
        public override Device Device => folder._stored.Device;

        public override bool Has(string name) => !name.Contains(UpdateMark, StringComparison.Ordinal) && folder._stored.Has(name);

        public override TorchSharp.Modules.Parameter Get(string name, long[] shape, Initialization initialization) => folder.Named(() => folder._stored.Get(name, shape, initialization));
    }
}
