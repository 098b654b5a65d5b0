namespace Microsoft.ML.MetaMorph;

/// <summary>How far a training is; reported after every step.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="TotalSteps">Steps in all; null where only time ends the training.</param>
/// <param name="Share">The share that is done, from 0 to 1.</param>
/// <param name="Epoch">The pass over the rows, from 1; always 1 of an encoder, a visualizer and an autoencoder, whose steps run on from one pass into the next.</param>
/// <param name="Loss">The loss of the step, all parts weighted.</param>
/// <param name="LanguageLoss">Mean cross-entropy of the supervised text (or caption) tokens, in nats.</param>
/// <param name="VisualLoss">Minus the mean cosine similarity of the response's visual tokens; of an encoder's training, its contrastive loss; of an autoencoder's, its errors weighted, without the divergence; of a visualizer's, its loss.</param>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="ItemsPerSecond">Positions, of text and of visual tokens, a second (of an encoder, a visualizer and an autoencoder: pictures) since the start.</param>
/// <param name="Elapsed">Since the start.</param>
/// <param name="ValidationLoss">The loss on the validation rows, all parts weighted, where this step evaluated them; else null.</param>
public sealed record TrainingStatus(long Step, long? TotalSteps, double Share, int Epoch, double Loss, double LanguageLoss, double VisualLoss, double LearningRate, double ItemsPerSecond, TimeSpan Elapsed, double? ValidationLoss = null)
{
    /// <summary>The norm of the step's gradients, before they were clipped; null where nobody measured it.</summary>
    public double? GradientNorm { get; init; }
}
