using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A MetaMorph in float32 that a training may change, with its text side.</summary>
/// <param name="Model">The model; its owner disposes it.</param>
/// <param name="Text">Tokenizer and template.</param>
/// <param name="Storage">What frozen weights lie in; disposed after the model. Null: nothing.</param>
internal sealed record TrainableModel(MetaMorphModel Model, ConversationText Text, IDisposable? Storage = null) : IDisposable
{
    /// <summary>A model of random weights.</summary>
    public static TrainableModel Fresh(LanguageModelArchitecture architecture, LanguageTokenizer tokenizer, VisualTokenSizes? tokens, Device device, int seed)
    {
        (MetaMorphConfig config, ConversationText text) = Describe(architecture, tokenizer, tokens);
        using var generator = new Generator((ulong)seed, CPU);
        return new TrainableModel(new MetaMorphModel(config, new FreshParameters(device, generator)), text);
    }

    /// <summary>What a model of random weights will be.</summary>
    public static (MetaMorphConfig Config, ConversationText Text) Describe(LanguageModelArchitecture architecture, LanguageTokenizer tokenizer, VisualTokenSizes? tokens)
    {
        var text = new ConversationText(tokenizer.WithSpecialTokens(ImageMarks.Start, ImageMarks.End));
        return (Config(architecture.ToConfig(text.Tokenizer), architecture, text, tokens ?? VisualTokenSizes.Paper), text);
    }

    /// <summary>What the model of a folder will be; no weight is looked at.</summary>
    /// <exception cref="InvalidDataException">The folder holds something else, or was made for other visual tokens.</exception>
    public static (MetaMorphConfig Config, ConversationText Text) Describe(string nameOrFolder, string? chatTemplate, LanguageModelArchitecture architecture, VisualTokenSizes? tokens)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        bool isMetaMorph = ResponseModelFolder.ReadConfig(folder, ResponseModelFolder.IsMetaMorph);
        LanguageTokenizer tokenizer = ConversationText.WithTemplate(LanguageTokenizer.Load(folder), chatTemplate);
        if (isMetaMorph)
        {
            MetaMorphConfig config = ResponseModelFolder.ReadConfig(folder, json => ResponseModelFolder.Config(json, tokenizer));
            RequireTokens(config, tokens, $"'{folder}'");
            return (config, new ConversationText(tokenizer));
        }

        LanguageModelConfig language = ResponseModelFolder.ReadConfig(folder, LanguageModelConfig.FromJson);
        LanguageTokenizer extended = tokenizer.WithSpecialTokens(ImageMarks.Start, ImageMarks.End);
        int added = extended.HighestId - tokenizer.HighestId;
        if (added > 0) language = language with { VocabularySize = new AddedTokenParameters(new MetaParameters(), language.VocabularySize, tokenizer.HighestId + 1, added).Rows };
        var text = new ConversationText(extended);
        return (Config(language, architecture, text, tokens ?? VisualTokenSizes.Paper), text);
    }

    /// <summary>A copy of a model: with its adapter where one is trained, else with the adapter merged into its weights.</summary>
    public static TrainableModel Copy(Lease<ResponseModel> hold, VisualTokenSizes? tokens, Device device, LowRankOptions? lowRank)
    {
        ResponseModel previous = hold.Value;
        RequireTokens(previous.Config, tokens, "The previous model");
        using var scope = NewDisposeScope();
        if (lowRank is null) return new TrainableModel(new MetaMorphModel(previous.Config, LowRankParameters.Of(previous.PlainParameters().ToDictionary(), device, null)), previous.Text);
        var parameters = previous.Parameters().ToDictionary();
        var model = new MetaMorphModel(previous.Config, LowRankParameters.Of(parameters, device, lowRank));
        if (previous.Model.Language.Adapter is { } adapter) LowRankAdapter.Attach(model, model.Language, adapter.Config, new CopiedParameters(previous.AdapterParameters().ToDictionary(), device));
        return new TrainableModel(model, previous.Text, hold.Share());
    }

    /// <summary>The model of a folder: a MetaMorph as it is, or a language model with two more tokens, a fresh projector and a fresh vision head.</summary>
    /// <param name="nameOrFolder">A folder, or a model of the local Hugging Face cache.</param>
    /// <param name="chatTemplate">A Jinja template instead of the folder's.</param>
    /// <param name="architecture">The kinds of projector and vision head where they are fresh.</param>
    /// <param name="tokens">Those of the rows; null where no row has pictures.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="seed">Of what is fresh.</param>
    /// <param name="lowRank">The adapter that will be trained; null: the weights themselves will.</param>
    /// <exception cref="InvalidDataException">The folder holds something else, or was made for other visual tokens.</exception>
    public static TrainableModel FromFolder(string nameOrFolder, string? chatTemplate, LanguageModelArchitecture architecture, VisualTokenSizes? tokens, Device device, int seed, LowRankOptions? lowRank)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        bool isMetaMorph = ResponseModelFolder.ReadConfig(folder, ResponseModelFolder.IsMetaMorph);
        LanguageTokenizer tokenizer = ConversationText.WithTemplate(LanguageTokenizer.Load(folder), chatTemplate);
        using TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(folder));
        ParameterSource stored = LowRankParameters.Of(archive, device, lowRank);
        if (!isMetaMorph)
        {
            RequireConnectorsToLearn(lowRank);
            return FromLanguageModel(ResponseModelFolder.ReadConfig(folder, LanguageModelConfig.FromJson), tokenizer, archive, stored, architecture, tokens ?? VisualTokenSizes.Paper, seed);
        }
        MetaMorphConfig config = ResponseModelFolder.ReadConfig(folder, json => ResponseModelFolder.Config(json, tokenizer));
        RequireTokens(config, tokens, $"'{folder}'");
        ResponseModelFolder.Check(archive, config, parameters => new MetaMorphModel(config, parameters));
        return new TrainableModel(new MetaMorphModel(config, stored), new ConversationText(tokenizer));
    }

    private static TrainableModel FromLanguageModel(LanguageModelConfig language, LanguageTokenizer tokenizer, TensorArchive archive, ParameterSource stored, LanguageModelArchitecture architecture, VisualTokenSizes tokens, int seed)
    {
        LanguageTokenizer extended = tokenizer.WithSpecialTokens(ImageMarks.Start, ImageMarks.End);
        int added = extended.HighestId - tokenizer.HighestId, rows = language.VocabularySize;
        ParameterSource Grown(ParameterSource parameters) => added > 0 ? new AddedTokenParameters(parameters, rows, tokenizer.HighestId + 1, added) : parameters;
        var text = new ConversationText(extended);
        if (Grown(stored) is AddedTokenParameters grown) language = language with { VocabularySize = grown.Rows };
        MetaMorphConfig config = Config(language, architecture, text, tokens);
        ResponseModelFolder.Check(archive, config, parameters => new MetaMorphModel(config, new ConnectorParameters(Grown(parameters), new MetaParameters())));
        using var generator = new Generator((ulong)seed, CPU);
        return new TrainableModel(new MetaMorphModel(config, new ConnectorParameters(Grown(stored), new FreshParameters(stored.Device, generator))), text);
    }

    public void Dispose()
    {
        Model.Dispose();
        Storage?.Dispose();
    }

    // Beside a language model they are random.
    private static void RequireConnectorsToLearn(LowRankOptions? lowRank)
    {
        if (lowRank is null) return;
        LowRankConfig config = lowRank.ToConfig();
        if (!config.IsSaved("model.mm_projector") || !config.IsSaved("vision_head"))
            throw new ArgumentException($"{nameof(LowRankOptions.ModulesToSave)} is '{string.Join(", ", lowRank.ModulesToSave)}'; a language model gets a fresh projector and a fresh vision head, which have to learn in full: add mm_projector and vision_head.");
    }

    private static MetaMorphConfig Config(LanguageModelConfig language, LanguageModelArchitecture architecture, ConversationText text, VisualTokenSizes tokens)
    {
        architecture.RequireProjector(language.HiddenSize, tokens.Width);
        return new MetaMorphConfig
        {
            Language = language,
            VisualTokenCount = tokens.Count,
            VisualTokenWidth = tokens.Width,
            Projector = architecture.Projector,
            VisionHead = architecture.VisionHead,
            ImageStartId = text.Encoder.ImageStartId,
            ImageEndId = text.Encoder.ImageEndId,
        };
    }

    // Rows without pictures fit every model.
    private static void RequireTokens(MetaMorphConfig config, VisualTokenSizes? tokens, string what)
    {
        if (tokens is { } rows && rows != new VisualTokenSizes(config.VisualTokenCount, config.VisualTokenWidth))
            throw new InvalidDataException($"{what} reads {config.VisualTokenCount} visual tokens a picture{config.Keys.Note("num_image_tokens")}, each {config.VisualTokenWidth} wide; the rows have {rows.Count}, each {rows.Width} wide. Encode the pictures with the encoder of that model.");
    }
}
