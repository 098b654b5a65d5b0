using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>The loop of the trainings on pictures: a step for each batch, until the steps, the time or the batches end.</summary>
/// <remarks>
/// However it ends, the parameters hold the weights of the last complete step: their running average, if asked for, but for an exception, which
/// leaves the weights themselves.
/// </remarks>
internal sealed class PictureLoop(AveragedOptimizer optimizer, TrainingPace pace)
{
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
        TLoss? last = null;
        long pictures = 0;
        TrainingEnd end = TrainingEnd.Completed;
        foreach (TBatch batch in batches)
        {
            using TBatch owned = batch;
            long step = optimizer.Steps;
            if (!pace.MayBegin(step))
            {
                end = step >= pace.TotalSteps ? TrainingEnd.Completed : TrainingEnd.TimeSpent;
                break;
            }
            double rate = pace.RateAt(step);
            var rows = new StepRows(step, batch.Numbers(pictures));
            optimizer.ZeroGradients();
            if (accumulate(batch, rows) is not { } loss)
            {
                end = TrainingEnd.Cancelled;
                break;
            }
            double norm = optimizer.Move(rate, rows.Numbers);
            last = loss;
            pictures += batch.Count;
            progress?.Invoke(Progress(rate, norm, pictures), loss);
            if (step + 1 >= pace.TotalSteps) break;         // the next batch would be made for nothing
        }
        optimizer.End();
        return (end, last);
    }

    private PictureProgress Progress(double rate, double norm, long pictures)
    {
        TimeSpan elapsed = pace.Elapsed;
        return new PictureProgress(optimizer.Steps, pace.TotalSteps, pace.Share(optimizer.Steps), rate, norm, pictures / Math.Max(elapsed.TotalSeconds, 1e-9), elapsed);
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
