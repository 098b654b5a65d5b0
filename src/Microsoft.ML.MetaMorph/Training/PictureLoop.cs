using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>The loop of the trainings on pictures: a step for each batch, until the steps, the time or the batches end.</summary>
/// <remarks>
/// However it ends, the parameters hold the weights of the last complete step: their running average, if asked for, but for an exception, which
/// leaves the weights themselves. A checkpoint is written before anybody is told of its step, so whatever they do with it loses nothing.
/// </remarks>
/// <param name="optimizer">Moves the weights.</param>
/// <param name="pace">Says when to end.</param>
/// <param name="checkpoints">What a run that is killed goes on from; null for none. The batches then begin where these say.</param>
internal sealed class PictureLoop(AveragedOptimizer optimizer, TrainingPace pace, TrainingCheckpoints? checkpoints = null)
{
    private long _pictures = checkpoints?.Last?.Items ?? 0;
    private StreamPlace? _next = checkpoints?.Last?.Next;

    /// <summary>Trains.</summary>
    /// <param name="batches">Taken one by one, and disposed after their step.</param>
    /// <param name="accumulate">Adds the gradients of a batch to those of the parameters and gives its loss; null after a cancellation, which drops the step.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <returns>How it ended, and the loss of the last step; null if there was none.</returns>
    /// <exception cref="TrainingDivergedException">The norm of the gradients is not finite.</exception>
    public (TrainingEnd End, TLoss? Loss) Run<TBatch, TLoss>(IEnumerable<TBatch> batches, Func<TBatch, StepRows, TLoss?> accumulate, Action<PictureProgress, TLoss>? progress)
        where TBatch : IPictureBatch
        where TLoss : struct
    {
        optimizer.Begin();
        (TrainingEnd End, TLoss? Loss) result = checkpoints?.Last?.End is { } ended ? (ended, null) : Steps(batches, accumulate, progress);
        checkpoints?.AtEnd(optimizer, Position, result.End);
        optimizer.End();
        return result;
    }

    private TrainingPosition Position => new(_pictures, _next, pace.Elapsed);

    private (TrainingEnd End, TLoss? Loss) Steps<TBatch, TLoss>(IEnumerable<TBatch> batches, Func<TBatch, StepRows, TLoss?> accumulate, Action<PictureProgress, TLoss>? progress)
        where TBatch : IPictureBatch
        where TLoss : struct
    {
        TLoss? last = null;
        foreach (TBatch batch in batches)
        {
            using TBatch owned = batch;
            long step = optimizer.Steps;
            if (!pace.MayBegin(step)) return (step >= pace.TotalSteps ? TrainingEnd.Completed : TrainingEnd.TimeSpent, last);
            double rate = pace.RateAt(step);
            var rows = new StepRows(step, batch.Numbers(_pictures));
            optimizer.ZeroGradients();
            if (accumulate(batch, rows) is not { } loss) return (TrainingEnd.Cancelled, last);
            double norm = optimizer.Move(rate, rows.Numbers);
            last = loss;
            _pictures += batch.Count;
            _next = batch.Next;
            bool isLast = step + 1 >= pace.TotalSteps;
            checkpoints?.AfterStep(optimizer, Position, isLast);
            progress?.Invoke(Progress(rate, norm), loss);
            if (isLast) break;         // the next batch would be made for nothing
        }
        return (TrainingEnd.Completed, last);
    }

    private PictureProgress Progress(double rate, double norm)
    {
        TimeSpan elapsed = pace.Elapsed;
        return new PictureProgress(optimizer.Steps, pace.TotalSteps, pace.Share(optimizer.Steps), rate, norm, _pictures / Math.Max(elapsed.TotalSeconds, 1e-9), elapsed);
    }
}

/// <summary>What a step of a training is about, for messages.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Numbers">Its rows' numbers in the training data.</param>
internal sealed record StepRows(long Step, IEnumerable<long> Numbers)
{
    /// <summary>The error of a step whose loss is not finite.</summary>
    /// <param name="what">What is not finite.</param>
    /// <param name="weights">All weights that the step computed with; looked at in the first step only, where no learning rate can be to blame.</param>
    /// <param name="begin">The first row that was computed.</param>
    /// <param name="count">How many were; null: all.</param>
    public TrainingDivergedException Diverged(string what, IEnumerable<(string, Parameter)> weights, int begin = 0, int? count = null)
        => new(Step + 1, [.. Numbers.Skip(begin).Take(count ?? int.MaxValue)], what, Step == 0 ? BrokenWeights.Find(weights) : null);
}
