using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What moves the weights of a training: flat parameters, AdamW, and their running average where one is asked for.</summary>
/// <remarks>Not thread-safe. Between trainings the parameters hold the average, during one the weights of the last step.</remarks>
internal sealed class AveragedOptimizer : IDisposable
{
    private readonly FlatParameters _parameters;
    private readonly FlatAdamW _optimizer;
    private readonly ExponentialMovingAverage? _average;
    private readonly double? _maximumGradientNorm;

    /// <param name="groups">What is trained.</param>
    /// <param name="options">AdamW's settings, averaging and clipping.</param>
    public AveragedOptimizer(IEnumerable<ParameterGroup> groups, ITrainingOptions options)
    {
        _parameters = new FlatParameters(groups);
        _optimizer = new FlatAdamW(_parameters, new AdamWSettings(options.Beta1, options.Beta2, options.Epsilon));
        if (options.AveragingDecay is { } decay) _average = new ExponentialMovingAverage(_parameters, new ExponentialMovingAverageSettings(decay));
        _maximumGradientNorm = options.MaximumGradientNorm;
    }

    /// <summary>Steps done.</summary>
    public long Steps => _optimizer.Steps;

    /// <summary>Takes the weights of the last step back, where a training before ended with the averages.</summary>
    public void Begin()
    {
        if (_average is { IsSwapped: true }) _average.Swap();
    }

    /// <summary>Ends a training with the averages.</summary>
    public void End()
    {
        if (_optimizer.Steps > 0) _average?.Swap();
    }

    public void ZeroGradients() => _parameters.ZeroGradients();

    /// <summary>Clips the gradients and moves the weights.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="rows">The rows behind the gradients, for messages.</param>
    /// <returns>The norm of the gradients before clipping.</returns>
    /// <exception cref="TrainingDivergedException">The norm is not finite.</exception>
    public double Move(double rate, IEnumerable<long> rows)
    {
        double norm = _maximumGradientNorm is { } maximum ? _parameters.ClipGradients(maximum) : _parameters.GradientNorm();
        if (!double.IsFinite(norm)) throw new TrainingDivergedException(_optimizer.Steps + 1, [.. rows], $"the norm of the gradients is {norm}");
        _optimizer.Step(rate);
        _average?.Update();
        return norm;
    }

    /// <summary>Uses the weights' running average in the middle of a training; without averaging, the weights.</summary>
    public void WithAverages(Action use)
    {
        bool swap = _optimizer.Steps > 0 && _average is { IsSwapped: false };
        if (swap) _average!.Swap();
        try
        {
            use();
        }
        finally
        {
            if (swap) _average!.Swap();
        }
    }

    /// <summary>All that a training goes on from beside the weights (with averaging, the weights too): views, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportState() => _average is null ? _optimizer.ExportState() : _optimizer.ExportState().Concat(_average.ExportState()).ToDictionary();

    /// <summary>Takes over a state that <see cref="ExportState"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportState(IReadOnlyDictionary<string, Tensor> state)
    {
        ILookup<bool, KeyValuePair<string, Tensor>> parts = state.ToLookup(entry => ExponentialMovingAverage.IsState(entry.Key));
        if (_average is not null) _average.ImportState(parts[true].ToDictionary());
        else if (parts[true].Any()) throw new InvalidDataException($"The state has running averages ('{parts[true].First().Key}'), but {nameof(ITrainingOptions.AveragingDecay)} is not set.");
        _optimizer.ImportState(parts[false].ToDictionary());
    }

    /// <summary>All that a training is at a step, weights included (<c>value.NAME</c>): views, not copies.</summary>
    public IReadOnlyDictionary<string, Tensor> ExportAll() => _average is null ? _optimizer.ExportState().Concat(_parameters.Named(ExponentialMovingAverage.ValuePrefix)).ToDictionary() : ExportState();

    /// <summary>Takes over what <see cref="ExportAll"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void ImportAll(IReadOnlyDictionary<string, Tensor> state)
    {
        if (_average is not null)
        {
            ImportState(state);
            return;
        }

        ILookup<bool, KeyValuePair<string, Tensor>> parts = state.ToLookup(entry => entry.Key.StartsWith(ExponentialMovingAverage.ValuePrefix, StringComparison.Ordinal));
        _parameters.Import(ExponentialMovingAverage.ValuePrefix, parts[true].ToDictionary());
        ImportState(parts[false].ToDictionary());
    }

    /// <summary>A buffer for as many values as are trained, zeroed; the caller disposes it.</summary>
    public Tensor NewBuffer() => _parameters.NewBuffer();

    /// <summary>Copies what the parameters hold now.</summary>
    public void CopyValuesTo(Tensor buffer)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        buffer.copy_(_parameters.Values);
    }

    /// <summary>Gives the parameters other values.</summary>
    public void CopyValuesFrom(Tensor buffer)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        _parameters.Values.copy_(buffer);
    }

    /// <summary>A buffer by parameter, each name behind a prefix: views, not copies.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Named(string prefix, Tensor buffer) => _parameters.Named(prefix, buffer);

    /// <summary>Takes over what <see cref="Named"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void Import(string prefix, Tensor buffer, IReadOnlyDictionary<string, Tensor> stored) => _parameters.Import(prefix, stored, buffer);

    public void Dispose()
    {
        _average?.Dispose();
        _optimizer.Dispose();
        _parameters.Dispose();
    }
}
