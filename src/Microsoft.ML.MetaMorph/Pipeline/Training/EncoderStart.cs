using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Where the training of an image encoder starts: a model with its teachers, and the preprocessing of its pictures.</summary>
/// <param name="Model">The model; its owner disposes it.</param>
/// <param name="Preprocessing">How pictures are brought into its form.</param>
internal sealed record EncoderStart(LanguageImageModel Model, ImagePreprocessorConfig Preprocessing)
{
    /// <summary>An encoder of random weights.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static EncoderStart Fresh(LanguageImagePretrainingOptions options, ImageAspectRatio ratio, CaptionTokens tokens, Device device, int seed, TrainingMemory memory)
    {
        LanguageImageModelConfig config = LanguageImageModelConfig.Create(options, tokens);
        memory.Require("A new encoder of these sizes (Training)", parameters => new LanguageImageModel(config, parameters));
        int size = options.ImageSize;
        return new EncoderStart(LanguageImageModel.CreateFresh(config, device, seed), new ImagePreprocessorConfig { Height = size, Width = size, AspectRatio = ratio });
    }

    /// <summary>A published SigLIP or SigLIP 2; what it lacks of the teachers (text tower, captioning decoder) is fresh.</summary>
    /// <exception cref="InvalidDataException">The folder holds another model.</exception>
    /// <exception cref="ArgumentException">Options, tokenizer and towers do not fit together.</exception>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static EncoderStart FromFolder(string nameOrFolder, LanguageImagePretrainingOptions options, ImageAspectRatio ratio, CaptionTokens tokens, Device device, int seed, TrainingMemory memory)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        (VisionTowerConfig vision, SiglipTextConfig? text) = ResponseModelFolder.ReadConfig(folder, Towers);
        ImagePreprocessorConfig preprocessing = ReadPreprocessing(folder, vision, ratio);
        LanguageImageModelConfig config = LanguageImageModelConfig.Create(options, tokens, vision, text);
        memory.Require($"'{folder}' with its teachers", parameters => new LanguageImageModel(config, parameters));
        using TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(folder));
        if (!archive.Tensors.Keys.Any(name => name.StartsWith("vision_model.", StringComparison.Ordinal)))
            throw new InvalidDataException($"'{folder}' holds no vision tower: no tensor is named vision_model.*.");
        StoredParameters.Check(archive, parameters => new LanguageImageModel(config, new FallbackParameters(parameters, new MetaParameters())), CheckpointKeys.IsBesideVisionTower, vision.AbsentSizes);
        var stored = new OwnedParameters(new StoredParameters(archive, device, ScalarType.Float32, trainable: true));
        return new EncoderStart(LanguageImageModel.Continue(config, stored, seed), preprocessing);
    }

    /// <summary>A copy of an encoder, with fresh teachers; its sizes, its tokens and its preprocessing hold, whatever the options say.</summary>
    /// <exception cref="NotSupportedException">Its tokens come from another layer than the last.</exception>
    /// <exception cref="ArgumentException">Options and tower do not fit together.</exception>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static EncoderStart Copy(ImageEncoderModel previous, LanguageImagePretrainingOptions options, CaptionTokens tokens, Device device, int seed, TrainingMemory memory)
    {
        ImageEncoderSettings settings = previous.Settings;
        VisionTowerConfig vision = settings.Vision;
        if (vision.Blocks(settings.Tokens.SelectLayer) != vision.HiddenLayers)
            throw new NotSupportedException($"The previous encoder takes its tokens from layer {settings.Tokens.SelectLayer} of {vision.HiddenLayers} (mm_vision_select_layer); the training moves the last layer's (-1).");
        LanguageImageModelConfig config = LanguageImageModelConfig.Create(options, tokens, vision, visual: settings.Tokens);
        memory.Require("A copy of the previous encoder with its teachers", parameters => new LanguageImageModel(config, parameters));
        var copied = new CopiedParameters(previous.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value), device);
        return new EncoderStart(LanguageImageModel.Continue(config, copied, seed), settings.Preprocessing);
    }

    /// <summary>The tokenizer of a published text tower that goes on learning: no other gives its tokens. Null where the folder has no text tower.</summary>
    /// <exception cref="FileNotFoundException">It has one, but no tokenizer.</exception>
    public static LanguageTokenizer? TokenizerOf(string nameOrFolder)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        if (ResponseModelFolder.ReadConfig(folder, Towers).Text is null) return null;
        string path = Path.Combine(folder, TokenizerFiles.Tokenizer);
        return File.Exists(path)
            ? LanguageTokenizer.Load(folder)
            : throw new FileNotFoundException($"'{folder}' has a text tower, which knows the tokens of its own tokenizer alone, but no {TokenizerFiles.Tokenizer}. Give that tokenizer ({nameof(LanguageImagePretrainingTrainer.Options.Tokenizer)}), or set ContrastiveWeight to 0, which leaves the text tower out.", path);
    }

    private static (VisionTowerConfig Vision, SiglipTextConfig? Text) Towers(JsonElement config)
    {
        ImageEncoderFolder.RequireKind(config);
        VisionTowerConfig vision = ImageEncoderFolder.Vision(config);
        return (vision, ConfigJson.Section(config, "text_config") is null ? null : SiglipTextConfig.FromJson(config));
    }

    private static ImagePreprocessorConfig ReadPreprocessing(string folder, VisionTowerConfig vision, ImageAspectRatio ratio)
    {
        ImagePreprocessorConfig preprocessing = ImagePreprocessorConfig.Load(folder);
        if (preprocessing.Naflex && ratio != ImageAspectRatio.Square)
            throw new ArgumentException($"{nameof(LanguageImagePretrainingTrainer.Options.AspectRatio)} is {ratio}, but the pictures of '{folder}' keep their shape (SigLIP 2 NaFlex). Leave the option away.");
        if (!preprocessing.Naflex) preprocessing = preprocessing with { AspectRatio = ratio };
        ImageEncoderFolder.Encoding(new ImageEncoderSettings(vision, preprocessing, new VisualTokenSettings(), Precision.Auto), folder);
        return preprocessing;
    }
}
