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
        using JsonDocument json = ReadConfig(folder);
        if (!IsMetaMorph(json.RootElement))
            throw new InvalidDataException($"'{folder}' is no MetaMorph: its {ConfigName} names no mm_hidden_size. A language model alone becomes one by training (Trainers.VisualPredictiveInstructionTuning).");
        LanguageTokenizer tokenizer = ConversationText.WithTemplate(LanguageTokenizer.Load(folder), chatTemplate);
        TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(folder));
        return Build(json.RootElement, tokenizer, archive, archive, device, precision);
    }

    /// <summary>Opens the files in a model zip.</summary>
    public static ResponseModel Open(ModelZipReader zip, string temporaryFolder, Device device, Precision precision)
    {
        using JsonDocument json = zip.ReadJson(ConfigName);
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(new TokenizerFiles(TokenizerContents(zip), zip.Location));
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return Build(json.RootElement, tokenizer, weights.Archive, weights, device, precision);
    }

    /// <summary>Writes a folder.</summary>
    public static void Save(ResponseModel model, string folder, ScalarType? elementType = null)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, ConfigName), JsonFile.Bytes(model.Config.Write));
        model.Text.Tokenizer.Save(folder);
        SafeTensorsWriter.WriteSharded(folder, model.Parameters(), elementType: elementType);
    }

    /// <summary>Writes the files into a model zip.</summary>
    public static void Save(ResponseModel model, ModelZipWriter zip)
    {
        zip.Write(ConfigName, stream => stream.Write(JsonFile.Bytes(model.Config.Write)));
        foreach ((string name, byte[] content) in model.Text.Tokenizer.Files.Contents) zip.Write(name, stream => stream.Write(content));
        ZipWeights.Write(zip, model.Parameters());
    }

    /// <summary>Reads a folder's configuration.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is no JSON.</exception>
    public static JsonDocument ReadConfig(string folder)
    {
        string path = Path.Combine(folder, ConfigName);
        if (!File.Exists(path)) throw new FileNotFoundException($"'{folder}' has no {ConfigName}.", path);
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException($"'{path}' is not valid JSON: {failure.Message}", failure);
        }
    }

    /// <summary>Whether the configuration is that of a language model with a projector and a vision head.</summary>
    public static bool IsMetaMorph(JsonElement json) => json.TryGetProperty("mm_hidden_size", out _);

    private static ResponseModel Build(JsonElement json, LanguageTokenizer tokenizer, TensorArchive archive, IDisposable storage, Device device, Precision precision)
    {
        try
        {
            MemoryEstimate.Of(archive).Require();
            MetaMorphConfig config = MetaMorphConfig.FromJson(json, tokenizer.TokenId(ImageMarks.Start), tokenizer.TokenId(ImageMarks.End));
            using var mode = no_grad();
            return new ResponseModel(new MetaMorphModel(config, new StoredParameters(archive, device)), new ConversationText(tokenizer), precision, storage);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    private static Dictionary<string, byte[]> TokenizerContents(ModelZipReader zip)
    {
        var contents = new Dictionary<string, byte[]>();
        foreach (string name in TokenizerNames.Where(zip.Contains))
        {
            using Stream stream = zip.Open(name);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            contents[name] = bytes.ToArray();
        }

        return contents;
    }
}
