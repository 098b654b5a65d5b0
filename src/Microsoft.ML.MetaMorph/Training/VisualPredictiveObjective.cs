using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual-predictive instruction tuning (arXiv 2412.14164, section 2): mean cross-entropy of the response's text plus
/// <see cref="VisionCoefficient"/> times the mean negative cosine similarity of its visual tokens (or their mean absolute error where the model does
/// not normalise them). The hidden state of a position predicts the next one, text or image.
/// </summary>
/// <remarks>
/// Logits exist for supervised positions only and for a bounded number of them at a time: each chunk is differentiated down to the
/// hidden states at once, and the trunk once at the end.
/// </remarks>
internal sealed class VisualPredictiveObjective(MetaMorphModel model, double visionCoefficient = 1, bool activationCheckpointing = false)
{
    /// <summary>Elements of a chunk of logits: 64 MiB, of which the backward pass holds three.</summary>
    internal const long DefaultLogitBudget = 1 << 24;

    public double VisionCoefficient => visionCoefficient;

    /// <summary>The largest number of logits (positions × vocabulary) that exist at a time.</summary>
    public long LogitBudget { get; init; } = DefaultLogitBudget;

    /// <summary>The losses without gradients.</summary>
    /// <param name="sequence">Packed rows.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c> of the rows' images in their order, or null where there are none.</param>
    public LossParts Evaluate(PackedSequence sequence, Tensor? visualTokens)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor hidden = model.Language.Hidden(model.Splice(sequence.Ids, visualTokens), new PackedLayout(sequence.RowLengths));
        return Heads(hidden, new LossTargets(sequence), visualTokens, null);
    }

    /// <summary>
    /// The losses, adding to the gradients of all trainable parameters those of
    /// Σ cross-entropy / <paramref name="languageCount"/> + coefficient · Σ visual / <paramref name="visualCount"/>.
    /// </summary>
    /// <param name="sequence">Packed rows.</param>
    /// <param name="visualTokens"><c>[k, N, D]</c> of the rows' images in their order, or null where there are none.</param>
    /// <param name="languageCount">Supervised text tokens of the whole step, of which the sequence may be a part.</param>
    /// <param name="visualCount">Response visual tokens of the whole step.</param>
    public LossParts Accumulate(PackedSequence sequence, Tensor? visualTokens, long languageCount, long visualCount)
    {
        using var scope = NewDisposeScope();
        using var trunk = new DecoderTrunk(model, sequence, visualTokens, activationCheckpointing);
        Tensor gradient = zeros_like(trunk.Hidden);
        var weights = new LossWeights(Weight(1, languageCount), Weight(visionCoefficient, visualCount), gradient.view(-1, gradient.shape[^1]));
        LossParts parts = Heads(trunk.Hidden.detach(), new LossTargets(sequence), visualTokens, weights);
        if (parts.IsFinite) trunk.Backward(gradient);
        return parts;
    }

    private static double Weight(double coefficient, long count) => count == 0 ? 0 : coefficient / count;

    private LossParts Heads(Tensor hidden, LossTargets targets, Tensor? visualTokens, LossWeights? weights)
    {
        Tensor states = hidden.view(-1, hidden.shape[^1]);
        double language = 0;
        int chunk = (int)Math.Clamp(LogitBudget / model.Language.Config.VocabularySize, 1, int.MaxValue);
        for (int begin = 0; begin < targets.TextPositions.Length; begin += chunk)
        {
            Range range = begin..Math.Min(begin + chunk, targets.TextPositions.Length);
            language += Chunk(states, targets.TextPositions[range], weights?.Language, weights?.Gradient, leaf =>
            {
                Tensor labels = tensor(targets.TextLabels[range], device: hidden.device);
                return F.cross_entropy(model.Language.Logits(leaf), labels, reduction: nn.Reduction.Sum);
            });
        }
        if (visionCoefficient == 0 || targets.VisualPositions.Length == 0) return new LossParts(language, targets.TextPositions.Length, 0, 0);
        double visual = Chunk(states, targets.VisualPositions, weights?.Visual, weights?.Gradient, leaf => VisualLoss(leaf, targets, visualTokens!));
        return new LossParts(language, targets.TextPositions.Length, visual, targets.VisualPositions.Length);
    }

    /// <summary>One loss over some hidden states; with a weight, its gradient is added at their places.</summary>
    private static double Chunk(Tensor states, long[] positions, double? weight, Tensor? gradient, Func<Tensor, Tensor> loss)
    {
        using var scope = NewDisposeScope();
        Tensor index = tensor(positions, device: states.device);
        Tensor leaf = states.index_select(0, index);
        if (weight is not { } factor) return loss(leaf).item<float>();
        leaf.requires_grad_(true);
        Tensor sum = loss(leaf);
        using Tensor scale = tensor((float)factor, device: states.device);
        autograd.backward(sum, scale);
        using var mode = no_grad();
        gradient!.index_add_(0, index, leaf.grad!, 1);
        return sum.item<float>();
    }

    private Tensor VisualLoss(Tensor states, LossTargets targets, Tensor visualTokens)
    {
        Tensor predicted = model.PredictVisualTokens(states);
        Tensor wanted = visualTokens.view(-1, visualTokens.shape[^1]).index_select(0, tensor(targets.VisualRows, device: states.device));
        return model.Config.NormalizeVision
            ? F.cosine_similarity(predicted, wanted, dim: -1).sum().neg()
            : (predicted - wanted).abs().mean([-1L]).sum();
    }

    private sealed record LossWeights(double Language, double Visual, Tensor Gradient);
}
