using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A MetaMorph in float32 that a training may change, with its text side.</summary>
/// <param name="Model">The model; its owner disposes it.</param>
/// <param name="Text">Tokenizer and template.</param>
internal sealed record TrainableModel(MetaMorphModel Model, ConversationText Text)
{
    /// <summary>A model of random weights.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static TrainableModel Fresh(LanguageModelArchitecture architecture, LanguageTokenizer tokenizer, int count, int width, Device device, int seed, TrainingMemory memory)
    {
        var text = new ConversationText(tokenizer.WithSpecialTokens(ImageMarks.Start, ImageMarks.End));
        MetaMorphConfig config = Config(architecture.ToConfig(text.Tokenizer), architecture.Projector, architecture.VisionHead, text, count, width);
        memory.Require("A new model of these sizes (Architecture)", parameters => new MetaMorphModel(config, parameters));
        using var generator = new Generator((ulong)seed, CPU);
        return new TrainableModel(new MetaMorphModel(config, new FreshParameters(device, generator)), text);
    }

    /// <summary>A copy of a model.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static TrainableModel Copy(ResponseModel previous, int count, int width, Device device, TrainingMemory memory)
    {
        RequireTokens(previous.Config, count, width, "The previous model");
        memory.Require("A copy of the previous model", parameters => new MetaMorphModel(previous.Config, parameters));
        var parameters = previous.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value);
        return new TrainableModel(new MetaMorphModel(previous.Config, new CopiedParameters(parameters, device)), previous.Text);
    }

    /// <summary>The model of a folder: a MetaMorph as it is, or a language model with two more tokens, a fresh projector and a fresh vision head.</summary>
    /// <param name="nameOrFolder">A folder, or a model of the local Hugging Face cache.</param>
    /// <param name="chatTemplate">A Jinja template instead of the folder's.</param>
    /// <param name="architecture">The kinds of projector and vision head where they are fresh.</param>
    /// <param name="count">N of the rows.</param>
    /// <param name="width">D of the rows.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="seed">Of what is fresh.</param>
    /// <param name="memory">Asked before anything is loaded.</param>
    /// <exception cref="InvalidDataException">The folder holds something else, or was made for other visual tokens.</exception>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static TrainableModel FromFolder(string nameOrFolder, string? chatTemplate, LanguageModelArchitecture architecture, int count, int width, Device device, int seed, TrainingMemory memory)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        using JsonDocument json = ResponseModelFolder.ReadConfig(folder);
        LanguageTokenizer tokenizer = ConversationText.WithTemplate(LanguageTokenizer.Load(folder), chatTemplate);
        using TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(folder));
        memory.Require(archive);
        var stored = new StoredParameters(archive, device, ScalarType.Float32, trainable: true);
        if (!ResponseModelFolder.IsMetaMorph(json.RootElement)) return FromLanguageModel(LanguageModelConfig.FromJson(json.RootElement), tokenizer, stored, architecture, count, width, seed);
        MetaMorphConfig config = MetaMorphConfig.FromJson(json.RootElement, tokenizer.TokenId(ImageMarks.Start), tokenizer.TokenId(ImageMarks.End));
        RequireTokens(config, count, width, $"'{folder}'");
        return new TrainableModel(new MetaMorphModel(config, Detached(stored)), new ConversationText(tokenizer));
    }

    private static TrainableModel FromLanguageModel(LanguageModelConfig language, LanguageTokenizer tokenizer, ParameterSource stored, LanguageModelArchitecture architecture, int count, int width, int seed)
    {
        LanguageTokenizer extended = tokenizer.WithSpecialTokens(ImageMarks.Start, ImageMarks.End);
        int added = extended.HighestId - tokenizer.HighestId;
        ParameterSource parameters = Detached(stored);
        if (added > 0)
        {
            var grown = new AddedTokenParameters(parameters, language.VocabularySize, tokenizer.HighestId + 1, added);
            language = language with { VocabularySize = grown.Rows };
            parameters = grown;
        }

        var text = new ConversationText(extended);
        MetaMorphConfig config = Config(language, architecture.Projector, architecture.VisionHead, text, count, width);
        using var generator = new Generator((ulong)seed, CPU);
        return new TrainableModel(new MetaMorphModel(config, new ConnectorParameters(parameters, new FreshParameters(stored.Device, generator))), text);
    }

    // A float32 file is mapped copy-on-write; training writes everything, so it is copied at once and the file let go.
    private static ParameterSource Detached(ParameterSource stored) => new OwnedParameters(stored);

    private static MetaMorphConfig Config(LanguageModelConfig language, string projector, string visionHead, ConversationText text, int count, int width) => new()
    {
        Language = language,
        VisualTokenCount = count,
        VisualTokenWidth = width,
        Projector = projector,
        VisionHead = visionHead,
        ImageStartId = text.Encoder.ImageStartId,
        ImageEndId = text.Encoder.ImageEndId,
    };

    private static void RequireTokens(MetaMorphConfig config, int count, int width, string what)
    {
        if (config.VisualTokenCount != count || config.VisualTokenWidth != width)
            throw new InvalidDataException($"{what} reads {config.VisualTokenCount} visual tokens a picture, each {config.VisualTokenWidth} wide; the rows have {count}, each {width} wide. Encode the pictures with the encoder of that model.");
    }
}
