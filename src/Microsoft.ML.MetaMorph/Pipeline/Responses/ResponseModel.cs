using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A MetaMorph with its tokenizer and chat template, ready to answer. Calls take turns.</summary>
internal sealed class ResponseModel : IDisposable
{
    private readonly Lock _turn = new();
    private readonly IDisposable? _storage;
    private readonly Dictionary<(DecodingEngine, bool, int), ResponseGenerator> _generators = [];
    private readonly int[] _endIds;
    private readonly string _name;
    private bool _disposed;

    /// <param name="model">The model; it is disposed with this object.</param>
    /// <param name="text">Tokenizer and template.</param>
    /// <param name="precision">What linear layers are computed in.</param>
    /// <param name="storage">What the weights lie in; disposed with this object.</param>
    /// <param name="location">Where they come from, for messages; null where they were trained.</param>
    public ResponseModel(MetaMorphModel model, ConversationText text, Precision precision, IDisposable? storage, string? location = null)
    {
        _name = location is null ? "The trained MetaMorph" : $"The MetaMorph '{location}'";
        if (text.Encoder.ImageStartId != model.Config.ImageStartId || text.Encoder.ImageEndId != model.Config.ImageEndId)
            throw new InvalidDataException($"The tokenizer has {ImageMarks.Start} = {text.Encoder.ImageStartId} and {ImageMarks.End} = {text.Encoder.ImageEndId}; the model's config.json says {model.Config.ImageStartId} and {model.Config.ImageEndId}. They do not belong together.");
        if (text.Tokenizer.HighestId >= model.Config.Language.VocabularySize)
            throw new InvalidDataException($"The tokenizer has ids up to {text.Tokenizer.HighestId}; the model's embeddings have {model.Config.Language.VocabularySize} rows. They do not belong together.");
        Model = model;
        Text = text;
        Precision = precision;
        _storage = storage;
        int?[] ends = [text.EndOfAnswer, text.Tokenizer.EndOfSequenceId];
        _endIds = [.. model.Config.Language.EosTokenIds.Concat(ends.OfType<int>()).Distinct()];
        model.eval();
        Choice = PrecisionProbe.Resolve(precision, model, model.Device);
        PrecisionProbe.Apply(model, Choice);
    }

    public MetaMorphConfig Config => Model.Config;

    public MetaMorphModel Model { get; }

    public ConversationText Text { get; }

    public Precision Precision { get; }

    /// <summary>In which element type linear layers are computed here, and why.</summary>
    public PrecisionChoice Choice { get; }

    /// <summary>The values of one picture's visual tokens.</summary>
    public int PictureLength => Config.VisualTokenCount * Config.VisualTokenWidth;

    /// <summary>Answers prompts of unlike lengths in one batch.</summary>
    public IReadOnlyList<GeneratedResponse> Generate(IReadOnlyList<GenerationRequest> requests, GenerationOptions options, Action<string>? log)
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            using var scope = NewDisposeScope();
            return Named(() => Generator(options, log).Generate(requests, options));
        }
    }

    /// <summary>Begins an answer that is made step by step; it is the caller's to dispose, before this object.</summary>
    public ResponseRun Begin(GenerationRequest request, GenerationOptions options, Action<ResponseUpdate>? receiver, Action<string>? log, CancellationToken cancellation)
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Generator(options, log).Begin([request], options, receiver is null ? null : (_, update) => receiver(update), cancellation);
        }
    }

    /// <summary>The next step of such an answer; false once it has ended.</summary>
    public bool Step(ResponseRun run)
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Named(run.Step);
        }
    }

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters()
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return [.. Model.named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];
        }
    }

    /// <summary>A and B of the low-rank adapter's layers under the names of <see cref="LowRankAdapter.NamedParameters"/>; none where there is no adapter.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> AdapterParameters()
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return [.. (Model.Language.Adapter?.NamedParameters() ?? []).Select(entry => KeyValuePair.Create(entry.Name, (Tensor)entry.Parameter))];
        }
    }

    /// <summary>The parameters of a model that answers alike without an adapter and without weights of eight bits; those that are new belong to the dispose scope of the caller.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> PlainParameters()
    {
        Dictionary<string, Tensor> parameters = Parameters().ToDictionary(), merged = [];
        lock (_turn)
        {
            if (Model.Language.Adapter is { IsMerged: false } adapter) merged = adapter.MergedWeights().ToDictionary();
        }

        return [.. parameters.Where(entry => !entry.Key.EndsWith("." + Int8Weight.ScaleName, StringComparison.Ordinal)).Select(entry => KeyValuePair.Create(entry.Key, merged.GetValueOrDefault(entry.Key) ?? Plain(entry.Key, entry.Value)))];

        Tensor Plain(string name, Tensor tensor) => tensor.dtype == ScalarType.Int8 ? Int8Weight.Dequantize(tensor, parameters[name + "_scale"], ScalarType.Float32) : tensor;
    }

    public void Dispose()
    {
        lock (_turn)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (ResponseGenerator generator in _generators.Values) generator.Dispose();
            _generators.Clear();
            Model.Dispose();
            _storage?.Dispose();
        }
    }

    /// <summary>Gives numbers that are none the name of the model that computed them.</summary>
    private T Named<T>(Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (NotFiniteNumberException failure)
        {
            throw new NotFiniteNumberException($"{_name} computes no finite numbers: {failure.Message}. Its weights are broken, or too large for the element type in which it computes ({Choice}); take another copy, or train it anew with a lower learning rate.", failure);
        }
    }

    // Engine, copies of weights and threads belong to a generator; everything else to a call.
    private ResponseGenerator Generator(GenerationOptions options, Action<string>? log)
    {
        var key = (options.Engine, options.BFloat16Weights, options.Threads);
        if (!_generators.TryGetValue(key, out ResponseGenerator? generator))
            _generators[key] = generator = new ResponseGenerator(Model, options, Text.NewStream, _endIds, log);
        return generator;
    }
}
