using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A language model that reads visual tokens through a projector and predicts them through a vision head (arXiv 2412.14164).
/// Parameters carry the published names: the language model's, <c>model.mm_projector.*</c> and <c>vision_head.*</c>.
/// </summary>
/// <remarks>
/// The vision tower is a model of its own, also where a checkpoint holds both (<see cref="CheckpointKeys"/> tells them apart): it is
/// frozen, its tokens are made once and kept, and training or generation from kept tokens needs no tower at all.
/// </remarks>
internal sealed class MetaMorphModel : NamedModule
{
    /// <summary>Stands in a sequence of ids for one position of an image.</summary>
    public const int ImagePlaceholder = -200;

    public MetaMorphModel(MetaMorphConfig config, ParameterSource parameters)
        : base(nameof(MetaMorphModel))
    {
        config.Validate();
        Config = config;
        Language = new CausalLanguageModel(config.Language, parameters);
        Projector = new Projector(config.Projector, config.VisualTokenWidth, config.Language.HiddenSize, parameters["model"]["mm_projector"]);
        VisionHead = new VisionHead(config.VisionHead, config.Language.HiddenSize, config.VisualTokenWidth, parameters["vision_head"]);
        Language.Model.register_module("mm_projector", Projector);
        register_module("model", Language.Model);
        if (Language.Head is { } head) register_module("lm_head", head);
        register_module("vision_head", VisionHead);
    }

    public MetaMorphConfig Config { get; }

    /// <summary>The language model; it shares its parameters with this module.</summary>
    public CausalLanguageModel Language { get; }

    public Projector Projector { get; }

    public VisionHead VisionHead { get; }

    public Device Device => Language.Device;

    /// <summary>Visual tokens <c>[…, D]</c> → inputs of the language model <c>[…, hidden]</c>.</summary>
    public Tensor Project(Tensor visualTokens) => Projector.forward(visualTokens);

    /// <summary>Hidden states <c>[…, hidden]</c> → visual tokens <c>[…, D]</c>, of length 1 if the model says so.</summary>
    public Tensor PredictVisualTokens(Tensor hidden)
    {
        if (!Config.NormalizeVision) return VisionHead.forward(hidden);
        using var scope = NewDisposeScope();
        return F.normalize(VisionHead.forward(hidden), p: 2, dim: -1).MoveToOuterDisposeScope();
    }

    /// <summary>One sequence: the embeddings of its ids, with the projected tokens of the images at the placeholders, in order.</summary>
    /// <param name="expandedIds">t ids; every image has <see cref="MetaMorphConfig.VisualTokenCount"/> placeholders.</param>
    /// <param name="visualTokens"><c>[images, N, D]</c>; null for none.</param>
    /// <returns><c>[1, t, hidden]</c>, float32.</returns>
    /// <exception cref="ArgumentException">Placeholders and visual tokens differ in number, or an id lies outside the vocabulary.</exception>
    public Tensor Splice(ReadOnlySpan<int> expandedIds, Tensor? visualTokens)
    {
        using var scope = NewDisposeScope();
        (long[] text, long[] places) = Sort(expandedIds);
        long visual = CheckVisualTokens(visualTokens, expandedIds.Length - text.Length);
        var parts = new List<Tensor>();
        if (text.Length > 0) parts.Add(Language.Embed(tensor(text, device: Device)));
        if (visual > 0) parts.Add(Project(visualTokens!.to(Device).view(visual, Config.VisualTokenWidth)));
        if (parts.Count == 0) throw new ArgumentException("A sequence needs at least one id.", nameof(expandedIds));
        Tensor spliced = parts.Count == 1 ? parts[0] : cat(parts, 0).index_select(0, tensor(places, device: Device));
        return spliced.unsqueeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>The text ids, and for every position its place among them followed by the visual tokens.</summary>
    private (long[] Text, long[] Places) Sort(ReadOnlySpan<int> ids)
    {
        int images = ids.Count(ImagePlaceholder);
        var text = new long[ids.Length - images];
        var places = new long[ids.Length];
        int nextText = 0, nextVisual = text.Length;
        for (int i = 0; i < ids.Length; i++)
        {
            bool visual = ids[i] == ImagePlaceholder;
            if (!visual && (ids[i] < 0 || ids[i] >= Config.Language.VocabularySize))
                throw new ArgumentException($"The id {ids[i]} at position {i} lies outside the vocabulary of {Config.Language.VocabularySize} tokens.", nameof(ids));
            places[i] = visual ? nextVisual++ : nextText;
            if (!visual) text[nextText++] = ids[i];
        }
        return (text, places);
    }

    // The language model is no module of this one; only its parts are.
    protected override void Dispose(bool disposing)
    {
        if (disposing) Language.Adapter?.Dispose();
        base.Dispose(disposing);
    }

    private long CheckVisualTokens(Tensor? visualTokens, int placeholders)
    {
        long[] shape = visualTokens?.shape ?? [0, Config.VisualTokenCount, Config.VisualTokenWidth];
        if (shape.Length != 3 || shape[1] != Config.VisualTokenCount || shape[2] != Config.VisualTokenWidth)
            throw new ArgumentException($"The visual tokens have the shape [{string.Join(", ", shape)}]; [images, {Config.VisualTokenCount}, {Config.VisualTokenWidth}] is needed.", nameof(visualTokens));
        if (shape[0] * shape[1] != placeholders)
            throw new ArgumentException($"The sequence has {placeholders} image positions, the {shape[0]} images have {shape[0] * shape[1]}.", nameof(visualTokens));
        return placeholders;
    }
}
