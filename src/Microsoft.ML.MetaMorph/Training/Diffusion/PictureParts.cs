using System.Numerics;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Computes batches of pictures in parts, so that a step may be larger than memory: losses and gradients of the parts add up to those of the batch.</summary>
/// <param name="objective">What is computed.</param>
/// <param name="size">Pictures that are computed at a time; null: all of a batch.</param>
internal sealed class PictureParts<TBatch, TDraws, TLoss>(IPictureObjective<TBatch, TDraws, TLoss> objective, int? size)
    where TBatch : IPictureBatch
    where TLoss : struct, IAdditionOperators<TLoss, TLoss, TLoss>, IDivisionOperators<TLoss, double, TLoss>
{
    // Evaluations draw the same noise every time, and other noise than training.
    private const long EvaluationStep = -1;

    /// <summary>The runs of pictures that are computed together.</summary>
    public IEnumerable<(int Begin, int Count)> Of(TBatch batch)
    {
        int count = (int)batch.Count, most = size ?? count;
        for (int begin = 0; begin < count; begin += most) yield return (begin, Math.Min(most, count - begin));
    }

    /// <summary>Gradients and mean loss of a step; null after a cancellation.</summary>
    /// <exception cref="ArgumentException">The batch does not fit the model.</exception>
    /// <exception cref="TrainingDivergedException">A loss is not finite; the rows of its part are named.</exception>
    public TLoss? Accumulate(TBatch batch, StepRows rows, CancellationToken cancellationToken)
    {
        objective.Check(batch);
        using var scope = NewDisposeScope();
        TDraws draws = objective.Draw(batch, rows.Step);
        TLoss sum = default;
        foreach ((int begin, int count) in Of(batch))
        {
            if (cancellationToken.IsCancellationRequested) return null;
            using var part = NewDisposeScope();
            TLoss loss = objective.Accumulate(batch, draws, begin, count);
            if (objective.Total(loss) is var total && !double.IsFinite(total)) throw rows.Diverged($"the loss is {total}", objective.Weights, begin, count);
            sum += loss;
        }
        return sum / batch.Count;
    }

    /// <summary>The mean loss over batches, each of which is disposed, with the present weights and the same draws every time.</summary>
    /// <exception cref="ArgumentException">There are no batches, or one does not fit the model.</exception>
    public TLoss Evaluate(IEnumerable<TBatch> batches)
    {
        TLoss sum = default;
        long pictures = 0, number = EvaluationStep;
        foreach (TBatch batch in batches)
        {
            using TBatch owned = batch;
            using var scope = NewDisposeScope();
            objective.Check(batch);
            TDraws draws = objective.Draw(batch, number--);
            foreach ((int begin, int count) in Of(batch)) sum += objective.Evaluate(batch, draws, begin, count);
            pictures += batch.Count;
        }
        return pictures > 0 ? sum / pictures : throw new ArgumentException("There are no batches to evaluate.", nameof(batches));
    }
}
