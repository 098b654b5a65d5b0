using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A published SigLIP as the start of an encoder's training.</summary>
internal static class PretrainedEncoder
{
    /// <summary>Opens a folder; what it lacks of the teachers (text tower, captioning decoder) is fresh.</summary>
    /// <exception cref="InvalidDataException">The folder holds another model.</exception>
    /// <exception cref="ArgumentException">Options, tokenizer and towers do not fit together.</exception>
    public static (LanguageImageModel Model, ImagePreprocessorConfig Preprocessing) Open(string nameOrFolder, LanguageImagePretrainingOptions options, CaptionTokens tokens, Device device, int seed)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        using JsonDocument json = ResponseModelFolder.ReadConfig(folder);
        SiglipVisionConfig vision = SiglipVisionConfig.FromJson(json.RootElement);
        SiglipTextConfig? text = json.RootElement.TryGetProperty("text_config", out _) ? SiglipTextConfig.FromJson(json.RootElement) : null;
        LanguageImageModelConfig config = LanguageImageModelConfig.Create(options, tokens, vision, text);
        using TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(folder));
        if (!archive.Tensors.Keys.Any(name => name.StartsWith("vision_model.", StringComparison.Ordinal)))
            throw new InvalidDataException($"'{folder}' holds no vision tower: no tensor is named vision_model.*.");
        var stored = new OwnedParameters(new StoredParameters(archive, device, ScalarType.Float32, trainable: true));
        return (LanguageImageModel.Continue(config, stored, seed), ImagePreprocessorConfig.Load(folder));
    }
}
