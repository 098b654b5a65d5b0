using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// AdamW (Loshchilov and Hutter, 2019) over <see cref="FlatParameters"/>: one fused pass a group, or the same arithmetic composed of
/// in-place operations where the fused operator is not available.
/// </summary>
internal sealed class FlatAdamW : IDisposable
{
    private readonly FlatParameters _parameters;
    private readonly AdamWSettings _settings;
    private readonly bool _fused;
    private readonly Tensor _average;
    private readonly Tensor _squareAverage;
    private readonly Tensor _stepNumber;
    private readonly GroupViews[] _groups;
    private Tensor? _scratch;

    /// <param name="parameters">Stays the caller's; must outlive this object.</param>
    /// <param name="settings">Betas and epsilon.</param>
    /// <param name="fused">Null: fused where available.</param>
    public FlatAdamW(FlatParameters parameters, AdamWSettings? settings = null, bool? fused = null)
    {
        _parameters = parameters;
        _settings = settings ?? new AdamWSettings();
        _fused = fused ?? FusedAdamW.IsAvailable;
        _average = parameters.NewBuffer();
        _squareAverage = parameters.NewBuffer();
        _stepNumber = zeros([], dtype: ScalarType.Float32, device: parameters.Values.device).DetachFromDisposeScope();
        _groups = [.. parameters.Groups.Select(range => new GroupViews(range, parameters, _average, _squareAverage))];
    }

    /// <summary>The number of steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>One step with the gradients as they are.</summary>
    /// <param name="rate">The learning rate; each group multiplies it by its factor.</param>
    public void Step(double rate)
    {
        using var mode = no_grad();
        Steps++;
        if (_fused) _stepNumber.fill_(Steps);
        foreach (GroupViews group in _groups)
        {
            double own = rate * group.Settings.RateFactor;
            if (_fused) FusedAdamW.Step(group.Values, group.Gradients, group.Average, group.SquareAverage, _stepNumber, own, _settings, group.Settings.WeightDecay);
            else ComposedStep(group, own);
        }
    }

    /// <summary>The state by parameter: <c>exp_avg.NAME</c>, <c>exp_avg_sq.NAME</c> (views, not copies) and <c>step</c>.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportState()
    {
        var state = new Dictionary<string, Tensor> { [StepKey] = tensor(Steps, ScalarType.Int64) };
        foreach ((string key, Tensor view) in Views()) state[key] = view;
        return state;
    }

    /// <summary>Takes over a state that <see cref="ExportState"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        if (!state.TryGetValue(StepKey, out Tensor? step)) throw new InvalidDataException($"The optimizer state has no '{StepKey}'.");
        Dictionary<string, Tensor> views = Views().ToDictionary();
        foreach ((string key, Tensor view) in views)
        {
            if (!state.TryGetValue(key, out Tensor? stored)) throw new InvalidDataException($"The optimizer state has no '{key}': it was written for another model or for other trainable parts.");
            if (!stored.shape.SequenceEqual(view.shape)) throw new InvalidDataException($"The optimizer state's '{key}' has the shape [{string.Join(", ", stored.shape)}], the parameter has [{string.Join(", ", view.shape)}].");
        }
        if (state.Keys.FirstOrDefault(key => key != StepKey && !views.ContainsKey(key)) is { } unknown)
            throw new InvalidDataException($"The optimizer state's '{unknown}' belongs to no trainable parameter.");
        foreach ((string key, Tensor view) in views) view.copy_(state[key]);
        Steps = step.to(ScalarType.Int64).item<long>();
    }

    public void Dispose()
    {
        foreach (GroupViews group in _groups) group.Dispose();
        _average.Dispose();
        _squareAverage.Dispose();
        _stepNumber.Dispose();
        _scratch?.Dispose();
    }

    private const string StepKey = "step";

    private IEnumerable<KeyValuePair<string, Tensor>> Views()
    {
        foreach (FlatParameter slot in _parameters.Slots)
        {
            yield return new("exp_avg." + slot.Name, FlatParameters.View(_average, slot));
            yield return new("exp_avg_sq." + slot.Name, FlatParameters.View(_squareAverage, slot));
        }
    }

    private void ComposedStep(GroupViews group, double rate)
    {
        using var scope = NewDisposeScope();
        _scratch ??= empty_like(_average).DetachFromDisposeScope();
        double correction1 = 1 - Math.Pow(_settings.Beta1, Steps), correction2 = 1 - Math.Pow(_settings.Beta2, Steps);
        Tensor scratch = _scratch.narrow(0, group.Range.Offset, group.Range.Length);
        if (group.Settings.WeightDecay != 0) group.Values.mul_(1 - rate * group.Settings.WeightDecay);
        group.Average.mul_(_settings.Beta1).add_(group.Gradients, alpha: 1 - _settings.Beta1);
        group.SquareAverage.mul_(_settings.Beta2).addcmul_(group.Gradients, group.Gradients, value: 1 - _settings.Beta2);
        scratch.copy_(group.SquareAverage).sqrt_().div_(Math.Sqrt(correction2)).add_(_settings.Epsilon);
        group.Values.addcdiv_(group.Average, scratch, value: -rate / correction1);
    }

    private sealed class GroupViews(GroupRange range, FlatParameters parameters, Tensor average, Tensor squareAverage) : IDisposable
    {
        public GroupRange Range { get; } = range;

        public ParameterGroup Settings => Range.Group;

        public Tensor Values { get; } = Part(parameters.Values, range);

        public Tensor Gradients { get; } = Part(parameters.Gradients, range);

        public Tensor Average { get; } = Part(average, range);

        public Tensor SquareAverage { get; } = Part(squareAverage, range);

        public void Dispose()
        {
            Values.Dispose();
            Gradients.Dispose();
            Average.Dispose();
            SquareAverage.Dispose();
        }

        private static Tensor Part(Tensor buffer, GroupRange range) => buffer.narrow(0, range.Offset, range.Length).DetachFromDisposeScope();
    }
}
