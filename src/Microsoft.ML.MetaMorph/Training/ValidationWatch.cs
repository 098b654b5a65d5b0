using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Watches the loss on validation rows: says when it has not fallen for too long, and keeps the weights with which it was lowest. What it knows
/// lies in checkpoints, so that a training that goes on ends where one that was not stopped does.
/// </summary>
internal sealed class ValidationWatch : IDisposable
{
    private const string Prefix = "best.";

    private readonly AveragedOptimizer _optimizer;
    private readonly int? _patience;
    private readonly double _minimumImprovement;
    private readonly Tensor? _best;

    /// <param name="optimizer">Whose weights are watched; stays the caller's.</param>
    /// <param name="patience">Evaluations in a row without an improvement that end the training; null: any number.</param>
    /// <param name="minimumImprovement">By how much the loss has to fall.</param>
    /// <param name="keepBest">Whether the best weights are kept.</param>
    public ValidationWatch(AveragedOptimizer optimizer, int? patience, double minimumImprovement, bool keepBest)
    {
        (_optimizer, _patience, _minimumImprovement) = (optimizer, patience, minimumImprovement);
        if (keepBest) _best = optimizer.NewBuffer();
    }

    /// <summary>What is known; null before the first evaluation.</summary>
    public ValidationWatchState? State { get; private set; }

    /// <summary>Whether the loss has not fallen for too long.</summary>
    public bool IsSpent => State is { } state && state.Misses >= _patience;

    /// <summary>The watch that options ask for; null for none.</summary>
    public static ValidationWatch? Of(AveragedOptimizer optimizer, VisualPredictiveTrainingOptions options)
        => options.WatchesValidation ? new ValidationWatch(optimizer, options.EarlyStoppingPatience, options.MinimumImprovement, options.KeepBestWeights) : null;

    /// <summary>Takes the loss of an evaluation; the parameters hold the weights that were evaluated.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="loss">The loss.</param>
    public void Take(long step, double loss)
    {
        bool improves = double.IsFinite(loss) && (State is null || loss < State.Loss - _minimumImprovement);
        if (!improves)
        {
            if (State is not null) State = State with { Misses = State.Misses + 1 };
            return;
        }

        State = new ValidationWatchState(step, loss, Misses: 0);
        if (_best is not null) _optimizer.CopyValuesTo(_best);
    }

    /// <summary>Gives the parameters the best weights, where they are kept and there was an evaluation.</summary>
    /// <returns>Whether they have others now.</returns>
    public bool TryRestore()
    {
        if (_best is null || State is null) return false;
        _optimizer.CopyValuesFrom(_best);
        return true;
    }

    /// <summary>The best weights by parameter: views, not copies. Nothing where none are kept.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Export() => _best is null || State is null ? [] : _optimizer.Named(Prefix, _best);

    /// <summary>Whether a stored tensor is of a watch.</summary>
    public static bool IsState(string key) => key.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Takes over what <see cref="Export"/> and <see cref="State"/> gave.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown, or of another shape.</exception>
    public void Import(ValidationWatchState? state, IReadOnlyDictionary<string, Tensor> stored)
    {
        State = state;
        if (_best is not null && state is not null) _optimizer.Import(Prefix, _best, stored);
    }

    public void Dispose() => _best?.Dispose();
}

/// <summary>The best evaluation so far.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Loss">Its loss.</param>
/// <param name="Misses">Evaluations since that did not improve it enough.</param>
internal sealed record ValidationWatchState(long Step, double Loss, int Misses);
