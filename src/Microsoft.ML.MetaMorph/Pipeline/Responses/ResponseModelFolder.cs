using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>MetaMorph models as folders in Hugging Face layout, and as the same files in a model zip.</summary>
internal static class ResponseModelFolder
{
    /// <summary>The configuration's file.</summary>
    public const string ConfigName = "config.json";

    private static readonly string[] TokenizerNames =
        [TokenizerFiles.Tokenizer, TokenizerFiles.Configuration, TokenizerFiles.SpecialTokens, TokenizerFiles.ChatTemplate, TokenizerFiles.ChatTemplateJson];

    /// <summary>Opens a folder for answering. On the CPU weights are mapped, not copied.</summary>
    /// <param name="nameOrFolder">A folder, or a model of the local Hugging Face cache.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="precision">What linear layers are computed in.</param>
    /// <param name="chatTemplate">A Jinja template instead of the folder's.</param>
    /// <exception cref="InvalidDataException">The folder holds another model, or files that do not belong together.</exception>
    public static ResponseModel Open(string nameOrFolder, Device device, Precision precision, string? chatTemplate = null)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        RequireMetaMorph(folder);
        LanguageTokenizer tokenizer = ConversationText.WithTemplate(LanguageTokenizer.Load(folder), chatTemplate);
        MetaMorphConfig config = ReadConfig(folder, json => Config(json, tokenizer));
        TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(folder));
        return Build(config, null, tokenizer, archive, archive, device, precision);
    }

    /// <summary>Opens the files in a model zip.</summary>
    public static ResponseModel Open(ModelZipReader zip, string temporaryFolder, Device device, Precision precision)
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(new TokenizerFiles(TokenizerContents(zip), zip.Location));
        MetaMorphConfig config = zip.ReadJson(ConfigName, json => Config(json, tokenizer));
        LowRankConfig? adapter = zip.Contains(LowRankFolder.ConfigName) ? zip.ReadJson(LowRankFolder.ConfigName, LowRankConfigJson.Parse) : null;
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return Build(config, adapter, tokenizer, weights.Archive, weights, device, precision);
    }

    /// <summary>Writes a folder; the change of an adapter is in its weights.</summary>
    public static void Save(ResponseModel model, string folder, ScalarType? elementType = null)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, ConfigName), JsonFile.Bytes(model.Config.Write));
        model.Text.Tokenizer.Save(folder);
        using var scope = NewDisposeScope();
        SafeTensorsWriter.WriteSharded(folder, model.PlainParameters(), elementType: elementType);
    }

    /// <summary>Writes the files into a model zip: base and adapter as they are.</summary>
    public static void Save(ResponseModel model, ModelZipWriter zip)
    {
        zip.Write(ConfigName, stream => stream.Write(JsonFile.Bytes(model.Config.Write)));
        foreach ((string name, byte[] content) in model.Text.Tokenizer.Files.Contents) zip.Write(name, stream => stream.Write(content));
        if (model.Model.Language.Adapter is { } adapter) zip.Write(LowRankFolder.ConfigName, stream => stream.Write(JsonFile.Bytes(writer => LowRankConfigJson.Write(writer, adapter.Config))));
        ZipWeights.Write(zip, model.Parameters().Concat(model.AdapterParameters()));
    }

    /// <summary>A folder's configuration as <paramref name="parse"/> understands it; its errors are given the file's name.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is no JSON, or <paramref name="parse"/> said so.</exception>
    /// <exception cref="NotSupportedException"><paramref name="parse"/> said so.</exception>
    public static T ReadConfig<T>(string folder, Func<JsonElement, T> parse)
    {
        string path = Path.Combine(folder, ConfigName);
        if (!File.Exists(path)) throw new FileNotFoundException($"'{folder}' has no {ConfigName}.", path);
        return JsonFile.Read(path, parse);
    }

    /// <summary>Refuses a folder that holds something else than a language model with a projector and a vision head.</summary>
    /// <exception cref="InvalidDataException">The folder is named.</exception>
    public static void RequireMetaMorph(string folder)
    {
        if (!ReadConfig(folder, IsMetaMorph))
            throw new InvalidDataException($"'{folder}' is no MetaMorph: its {ConfigName} names no mm_hidden_size. A language model alone becomes one by training (Trainers.VisualPredictiveInstructionTuning).");
    }

    /// <summary>Whether the configuration is that of a language model with a projector and a vision head.</summary>
    public static bool IsMetaMorph(JsonElement json) => ConfigJson.TryGet(json, "mm_hidden_size", out _);

    /// <summary>The configuration of a MetaMorph; the tokenizer knows the image tokens that it may leave out.</summary>
    public static MetaMorphConfig Config(JsonElement json, LanguageTokenizer tokenizer) => MetaMorphConfig.FromJson(json, tokenizer.TokenId(ImageMarks.Start), tokenizer.TokenId(ImageMarks.End));

    /// <summary>
    /// Refuses weights of another shape, and weights that the model would leave unread, before any is loaded. Vision towers and rotary tables
    /// beside a language model are left out by <see cref="CheckpointKeys.ForMetaMorph"/>.
    /// </summary>
    /// <exception cref="InvalidDataException">File, tensors and shapes are named.</exception>
    public static void Check(TensorArchive archive, MetaMorphConfig config, Func<ParameterSource, nn.Module> build)
        => StoredParameters.Check(archive, build, name => config.Language.TieWordEmbeddings && CheckpointKeys.IsOutputMatrix(name), config.AbsentSizes);

    private static MetaMorphModel Made(MetaMorphConfig config, LowRankConfig? adapter, ParameterSource parameters)
    {
        var model = new MetaMorphModel(config, parameters);
        try
        {
            if (adapter is not null) LowRankAdapter.Attach(model, model.Language, adapter, parameters);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static ResponseModel Build(MetaMorphConfig config, LowRankConfig? adapter, LanguageTokenizer tokenizer, TensorArchive archive, IDisposable storage, Device device, Precision precision)
    {
        try
        {
            Check(archive, config, parameters => Made(config, adapter, parameters));
            MemoryEstimate.Of(archive).Require();
            using var mode = no_grad();
            return new ResponseModel(Made(config, adapter, new StoredParameters(archive, device)), new ConversationText(tokenizer), precision, storage, archive.Location);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    /// <summary>The files of the tokenizer in a zip.</summary>
    public static Dictionary<string, byte[]> TokenizerContents(ModelZipReader zip)
    {
        var contents = new Dictionary<string, byte[]>();
        // The first cannot be missing, unlike its companions.
        foreach (string name in TokenizerNames.Where(name => name == TokenizerFiles.Tokenizer || zip.Contains(name))) contents[name] = zip.ReadBytes(name);

        return contents;
    }
}
