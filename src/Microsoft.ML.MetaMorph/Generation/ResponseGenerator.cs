namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Generates responses of text and images: text token by token; after image-start exactly N steps of hidden state → vision head →
/// projector → next input; then text again. Rows of a batch are in text or in an image independently and end on their own.
/// </summary>
/// <remarks>
/// Differs from the published code, on purpose: exactly <see cref="GenerationOptions.MaxNewTokens"/> positions, an end only at text
/// positions, and every image-start opens an image. Thread-safe: calls share the weights and nothing else.
/// </remarks>
internal sealed class ResponseGenerator : IDisposable
{
    private readonly CausalLanguageModel _language;
    private readonly MetaMorphModel? _visual;
    private readonly GenerationOptions _options;
    private readonly Func<ITextStream>? _text;
    private readonly IReadOnlySet<int> _endIds;
    private readonly ResponseDecoder _decoder;

    /// <param name="model">Reads and draws images.</param>
    /// <param name="options">The engine, and how responses are made where a call does not say otherwise.</param>
    /// <param name="text">Makes a decoder of ids for each response; null leaves texts empty.</param>
    /// <param name="endIds">Ids that end a response; null takes those of the model's configuration.</param>
    /// <param name="log">Told which engine decodes.</param>
    public ResponseGenerator(MetaMorphModel model, GenerationOptions options, Func<ITextStream>? text = null, IEnumerable<int>? endIds = null, Action<string>? log = null)
        : this(model.Language, model, DecoderSelection.Create(model.Language, model, options, log), options, text, endIds)
    {
    }

    /// <summary>A language model alone: no images in or out.</summary>
    public ResponseGenerator(CausalLanguageModel model, GenerationOptions options, Func<ITextStream>? text = null, IEnumerable<int>? endIds = null, Action<string>? log = null)
        : this(model, null, DecoderSelection.Create(model, null, options, log), options, text, endIds)
    {
    }

    /// <summary>With an engine that was made elsewhere; the generator disposes it.</summary>
    public ResponseGenerator(CausalLanguageModel language, MetaMorphModel? visual, ResponseDecoder decoder, GenerationOptions options, Func<ITextStream>? text = null, IEnumerable<int>? endIds = null)
    {
        (_language, _visual, _decoder, _options, _text) = (language, visual, decoder, options, text);
        _endIds = (endIds ?? language.Config.EosTokenIds).ToHashSet();
    }

    /// <summary>What computes the steps, in words.</summary>
    public string Engine => _decoder.Name;

    /// <summary>One response.</summary>
    public GeneratedResponse Generate(GenerationRequest request, Action<ResponseUpdate>? receiver = null, CancellationToken cancellation = default)
        => Generate([request], options: null, receiver is null ? null : (_, update) => receiver(update), cancellation)[0];

    /// <summary>A response for each request, in their order.</summary>
    /// <param name="requests">The prompts; they may differ in length and images.</param>
    /// <param name="options">Null takes the generator's; the engine stays that of the generator.</param>
    /// <param name="receiver">Called on this thread with the number of the request and each piece of its response.</param>
    /// <param name="cancellation">Ends every response that has not ended; what was made is returned.</param>
    /// <exception cref="GenerationRequestException">A request does not fit the model; its number and both figures are named.</exception>
    /// <exception cref="ArgumentException">The options do not fit the model.</exception>
    public IReadOnlyList<GeneratedResponse> Generate(IReadOnlyList<GenerationRequest> requests, GenerationOptions? options = null, Action<int, ResponseUpdate>? receiver = null, CancellationToken cancellation = default)
    {
        if (requests.Count == 0) return [];
        using ResponseRun run = Begin(requests, options, receiver, cancellation);
        while (run.Step())
        {
        }
        return run.Responses;
    }

    /// <summary>Responses that are made step by step, whenever the caller asks for the next one.</summary>
    /// <param name="requests">The prompts, at least one; they may differ in length and images.</param>
    /// <param name="options">Null takes the generator's; the engine stays that of the generator.</param>
    /// <param name="receiver">Called inside a step with the number of the request and each piece of its response.</param>
    /// <param name="cancellation">Ends every response that has not ended; what was made is kept.</param>
    /// <exception cref="ArgumentException">A request does not fit the model; its number and both figures are named.</exception>
    public ResponseRun Begin(IReadOnlyList<GenerationRequest> requests, GenerationOptions? options = null, Action<int, ResponseUpdate>? receiver = null, CancellationToken cancellation = default)
    {
        options ??= _options;
        Check(options);
        DecodingPrompt[] prompts = [.. requests.Select((request, i) => Expand(request, i, options.MaxNewTokens))];
        ResponseRow[] rows = [.. requests.Select((request, i) => new ResponseRow(request, options, prompts[i].MaxNewPositions, _visual?.Config, _endIds, _text?.Invoke(), receiver is null ? null : update => receiver(i, update)))];
        return new ResponseRun(_decoder, prompts, rows, options.PrefillChunk, cancellation);
    }

    public void Dispose() => _decoder.Dispose();

    /// <summary>Refuses options that leave no room for the image that they ask for.</summary>
    /// <param name="options">The options.</param>
    /// <param name="visualTokenCount">The model's visual tokens of an image.</param>
    /// <exception cref="ArgumentException">There is no room; both numbers are named.</exception>
    public static void RequireRoom(GenerationOptions options, int visualTokenCount)
    {
        int needed = visualTokenCount + 1;
        if (options.BeginWithImage && options.MaxNewTokens < needed)
            throw new ArgumentException($"{nameof(GenerationOptions.MaxNewTokens)} is {options.MaxNewTokens}; an image takes {needed} positions (image-start and {visualTokenCount} visual tokens).", nameof(options));
    }

    private void Check(GenerationOptions options)
    {
        if (!options.BeginWithImage) return;
        if (_visual is null) throw new InvalidOperationException($"{nameof(GenerationOptions.BeginWithImage)} is set, but the model is a language model without images.");
        RequireRoom(options, _visual.Config.VisualTokenCount);
    }

    /// <summary>Gives every image of a prompt its positions.</summary>
    private DecodingPrompt Expand(GenerationRequest request, int number, int maxNew)
    {
        int count = _visual?.Config.VisualTokenCount ?? 0, width = _visual?.Config.VisualTokenWidth ?? 0, vocabulary = _language.Config.VocabularySize;
        if (request.Ids.Length == 0) throw new GenerationRequestException(number, "has no tokens; a prompt needs at least one.");
        int images = request.Ids.Count(id => id == MetaMorphModel.ImagePlaceholder);
        if (images > 0 && _visual is null) throw new GenerationRequestException(number, $"has {images} images, but the model is a language model without images.");
        if (request.VisualTokens.Length != images * count * width)
            throw new GenerationRequestException(number, $"has {images} images, which take {images} x {count} x {width} = {images * count * width} values of visual tokens; it has {request.VisualTokens.Length}.");
        foreach (int id in request.Ids.Concat(request.ForcedIds))
        {
            if (id != MetaMorphModel.ImagePlaceholder && (id < 0 || id >= vocabulary))
                throw new GenerationRequestException(number, $"holds the id {id}; the model's vocabulary has the ids 0 to {vocabulary - 1}.");
        }
        if (request.ForcedIds.Contains(MetaMorphModel.ImagePlaceholder)) throw new GenerationRequestException(number, "forces an image placeholder; force the image-start token instead.");
        int[] ids = [.. request.Ids.SelectMany(id => Enumerable.Repeat(id, id == MetaMorphModel.ImagePlaceholder ? count : 1))];
        int positions = _language.Config.MaxPositions;
        if (PositionLimit.Problem(ids.Length, images, count, positions) is { } problem) throw new GenerationRequestException(number, problem);
        return new DecodingPrompt(ids, request.VisualTokens, Math.Min(maxNew, positions - ids.Length), _visual is not null && request.Ids[^1] == _visual.Config.ImageStartId);
    }
}
