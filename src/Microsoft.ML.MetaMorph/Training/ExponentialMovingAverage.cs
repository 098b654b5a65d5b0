using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A running average of <see cref="FlatParameters"/>, with the decay curve of diffusers' <c>EMAModel</c>.</summary>
/// <remarks>Parameters that do not train are not averaged: their average is their value.</remarks>
internal sealed class ExponentialMovingAverage : IDisposable
{
    private readonly FlatParameters _parameters;
    private readonly ExponentialMovingAverageSettings _settings;

    public ExponentialMovingAverage(FlatParameters parameters, ExponentialMovingAverageSettings settings)
    {
        using var mode = no_grad();
        _parameters = parameters;
        _settings = settings;
        Averages = parameters.Values.clone().DetachFromDisposeScope();
    }

    /// <summary>The averages, in the layout of <see cref="FlatParameters.Values"/>.</summary>
    public Tensor Averages { get; }

    /// <summary>The number of updates so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Takes in the present values.</summary>
    /// <returns>The decay that was used.</returns>
    public double Update()
    {
        using var mode = no_grad();
        Steps++;
        double decay = DecayAt(Steps);
        using var weight = tensor((float)(1 - decay), device: Averages.device);
        Averages.lerp_(_parameters.Values, weight);
        return decay;
    }

    /// <summary>The decay of update <paramref name="step"/>, counted from 1.</summary>
    public double DecayAt(long step)
    {
        long n = Math.Max(0, step - _settings.UpdateAfterStep - 1);
        if (n == 0) return 0;
        double decay = _settings.Warmup ? 1 - Math.Pow(1 + n / _settings.InverseGamma, -_settings.Power) : (1.0 + n) / (10 + n);
        return Math.Max(_settings.MinimumDecay, Math.Min(decay, _settings.Decay));
    }

    /// <summary>Whether the parameters hold the averages now.</summary>
    public bool IsSwapped { get; private set; }

    /// <summary>Exchanges values and averages: once to use the averages, once more to go on training.</summary>
    public void Swap()
    {
        IsSwapped = !IsSwapped;
        using var mode = no_grad();
        using var values = _parameters.Values.clone();
        _parameters.Values.copy_(Averages);
        Averages.copy_(values);
    }

    /// <summary>The state by parameter: <c>average.NAME</c> and <c>value.NAME</c>, whichever of them the parameters hold now (views, not copies), and <c>average_step</c>.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportState()
    {
        var state = new Dictionary<string, Tensor> { [StepKey] = tensor(Steps, ScalarType.Int64) };
        foreach ((string key, Tensor view) in Views()) state[key] = view;
        return state;
    }

    /// <summary>Whether an entry of a stored training belongs to the averages.</summary>
    public static bool IsState(string key) => key == StepKey || key.StartsWith(AveragePrefix, StringComparison.Ordinal) || key.StartsWith(ValuePrefix, StringComparison.Ordinal);

    /// <summary>Takes over a state that <see cref="ExportState"/> gave; the parameters then hold the values.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        if (!state.TryGetValue(StepKey, out Tensor? step)) throw new InvalidDataException($"The running averages have no '{StepKey}'.");
        if (IsSwapped) Swap();
        Dictionary<string, Tensor> views = Views().ToDictionary();
        foreach ((string key, Tensor view) in views)
        {
            if (!state.TryGetValue(key, out Tensor? stored)) throw new InvalidDataException($"The running averages have no '{key}': they were written for another model or for other trainable parts.");
            if (!stored.shape.SequenceEqual(view.shape)) throw new InvalidDataException($"The running averages' '{key}' has the shape [{string.Join(", ", stored.shape)}], the parameter has [{string.Join(", ", view.shape)}].");
        }
        if (state.Keys.FirstOrDefault(key => key != StepKey && !views.ContainsKey(key)) is { } unknown)
            throw new InvalidDataException($"The running averages' '{unknown}' belongs to no trainable parameter.");
        foreach ((string key, Tensor view) in views) view.copy_(state[key]);
        Steps = step.to(ScalarType.Int64).item<long>();
    }

    public void Dispose() => Averages.Dispose();

    /// <summary>Before the name of a parameter whose value is stored.</summary>
    public const string ValuePrefix = "value.";

    private const string StepKey = "average_step", AveragePrefix = "average.";

    private IEnumerable<KeyValuePair<string, Tensor>> Views()
    {
        (Tensor averages, Tensor values) = IsSwapped ? (_parameters.Values, Averages) : (Averages, _parameters.Values);
        foreach (FlatParameter slot in _parameters.Slots)
        {
            yield return new(AveragePrefix + slot.Name, FlatParameters.View(averages, slot));
            yield return new(ValuePrefix + slot.Name, FlatParameters.View(values, slot));
        }
    }
}

/// <summary>The decay curve: min((1 + n)/(10 + n), decay), or with a warm-up 1 − (1 + n/γ)^−power.</summary>
/// <param name="Decay">The largest decay.</param>
/// <param name="MinimumDecay">The smallest decay after the first update.</param>
/// <param name="UpdateAfterStep">Before this step the average is the value itself.</param>
/// <param name="Warmup">Whether the curve is 1 − (1 + n/γ)^−power.</param>
/// <param name="InverseGamma">γ.</param>
/// <param name="Power">The exponent.</param>
internal sealed record ExponentialMovingAverageSettings(
    double Decay = 0.9999,
    double MinimumDecay = 0,
    long UpdateAfterStep = 0,
    bool Warmup = false,
    double InverseGamma = 1,
    double Power = 2.0 / 3);
