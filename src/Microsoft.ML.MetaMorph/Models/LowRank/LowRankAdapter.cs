using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The low-rank updates of a model's linear layers.</summary>
internal sealed class LowRankAdapter : IDisposable
{
    private const int Shown = 12;

    private readonly List<(string Name, Linear Layer, LowRankUpdate Update)> _updates = [];
    private readonly ActivationDropout _dropout;

    private LowRankAdapter(LowRankConfig config)
    {
        Config = config;
        _dropout = new ActivationDropout(config.Dropout);
    }

    public LowRankConfig Config { get; }

    /// <summary>Whether the base weights hold the change at the moment.</summary>
    public bool IsMerged { get; private set; }

    /// <summary>For which rows of which step inputs are dropped; null outside of training.</summary>
    public DropoutDraws? Drawn
    {
        get => _dropout.Drawn;
        set => _dropout.Drawn = value;
    }

    /// <summary>Gives the targeted layers of a model their updates; the language model holds the adapter from then on.</summary>
    /// <param name="model">The model whose layers are looked through: the language model itself, or what it is a part of.</param>
    /// <param name="language">The language model.</param>
    /// <param name="config">Which layers, and how.</param>
    /// <param name="parameters">Where A and B come from, under the layers' names.</param>
    /// <param name="strict">Whether each name of a list has to be that of a layer.</param>
    /// <exception cref="InvalidDataException">No layer is targeted, or a parameter is missing or of another shape.</exception>
    public static LowRankAdapter Attach(nn.Module model, CausalLanguageModel language, LowRankConfig config, ParameterSource parameters, bool strict = false)
    {
        if (language.Adapter is not null) throw new InvalidOperationException("The model has a low-rank adapter already; merge it into the weights before another one is added.");
        (string Name, Linear Layer)[] layers = [.. model.named_modules().Where(entry => entry.module is Linear).Select(entry => (entry.name, (Linear)entry.module))];
        RequireTargets(config, [.. layers.Select(layer => layer.Name)], strict);
        var adapter = new LowRankAdapter(config);
        try
        {
            foreach ((string name, Linear layer) in layers.Where(layer => config.IsTarget(layer.Name)))
            {
                ParameterSource own = name.Split('.').Aggregate(parameters, (source, part) => source[part]);
                adapter._updates.Add((name, layer, new LowRankUpdate(own, layer.InputWidth, layer.OutputWidth, config.RankOf(name), config.ScaleOf(name), adapter._dropout)));
            }
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
        foreach ((_, Linear layer, LowRankUpdate update) in adapter._updates) layer.Update = update;
        language.Adapter = adapter;
        return adapter;
    }

    /// <summary>A and B of every layer: <c>LAYER.lora_A.weight</c>, <c>LAYER.lora_B.weight</c>.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters()
        => _updates.SelectMany(entry => new[] { ($"{entry.Name}.lora_A.weight", entry.Update.A), ($"{entry.Name}.lora_B.weight", entry.Update.B) });

    /// <summary>The layers' weights with the change in them, by the names of the parameters: tensors of their own, in the base's element type, or float32 where that is int8.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> MergedWeights()
    {
        foreach ((string name, Linear layer, LowRankUpdate update) in _updates)
            yield return new(name + ".weight", Changed(layer, update, 1, layer.Scales is null ? layer.Weight.dtype : ScalarType.Float32));
    }

    /// <summary>Adds the change to the base weights; products are then as fast as without an adapter.</summary>
    /// <exception cref="InvalidOperationException">The weights hold it already, or are not float32.</exception>
    public void Merge() => Move(merge: true);

    /// <summary>Takes the change out of the base weights again; what is left of it is the rounding of float32.</summary>
    /// <exception cref="InvalidOperationException">The weights do not hold it.</exception>
    public void Unmerge() => Move(merge: false);

    public void Dispose()
    {
        foreach ((_, Linear layer, LowRankUpdate update) in _updates)
        {
            if (layer.Update == update) layer.Update = null;
            update.Dispose();
        }
        _updates.Clear();
    }

    private void Move(bool merge)
    {
        if (IsMerged == merge) throw new InvalidOperationException(merge ? "The adapter is merged already." : "The adapter is not merged.");
        if (_updates.FirstOrDefault(entry => entry.Layer.Weight.dtype != ScalarType.Float32) is { Name: { } narrow, Layer: { } found })
            throw new InvalidOperationException($"'{narrow}' is stored as {found.Weight.dtype}; only float32 weights can be merged in place and taken apart again.");
        using var mode = no_grad();
        foreach ((_, Linear layer, LowRankUpdate update) in _updates)
        {
            using var scope = NewDisposeScope();
            // In memory of its own: the base may be a file's, whose pages are let go without being written.
            layer.Weight.set_(Changed(layer, update, merge ? 1 : -1, ScalarType.Float32));
            layer.ProductWeight.Forget();
            layer.Update = merge ? null : update;
        }
        IsMerged = merge;
    }

    private static Tensor Changed(Linear layer, LowRankUpdate update, double times, ScalarType type)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return layer.PlainWeight().to(ScalarType.Float32).add(update.Delta(), times).to(type).MoveToOuterDisposeScope();
    }

    private static void RequireTargets(LowRankConfig config, string[] layers, bool strict)
    {
        string[] targeted = [.. layers.Where(config.IsTarget)];
        string[] ends = [.. layers.Select(name => name[(name.LastIndexOf('.') + 1)..]).Where(end => !int.TryParse(end, out _)).Distinct().Order(StringComparer.Ordinal).Take(Shown)];
        if (targeted.Length == 0) throw new InvalidDataException($"No linear layer of the model is targeted by '{config.Targets}'. The model's linear layers are named {string.Join(", ", ends)}.");
        if (strict && config.Targets.Names.FirstOrDefault(name => !targeted.Any(layer => ModuleNames.IsAt(name, layer))) is { } unknown)
            throw new InvalidDataException($"The model has no linear layer '{unknown}' to adapt. Its linear layers are named {string.Join(", ", ends)}.");
    }
}
