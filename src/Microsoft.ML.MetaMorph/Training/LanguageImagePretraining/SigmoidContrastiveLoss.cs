using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>The sigmoid loss for language-image pre-training (arXiv 2303.15343, equation 1): every picture with every text, one yes-or-no question a pair.</summary>
internal static class SigmoidContrastiveLoss
{
    /// <summary>−Σ log σ(±logit) / n over <c>[n, n]</c> logits; + on the diagonal, where picture and text belong together.</summary>
    /// <exception cref="ArgumentException">The logits are not square.</exception>
    public static Tensor Of(Tensor logits)
    {
        if (logits.dim() != 2 || logits.size(0) != logits.size(1)) throw new ArgumentException($"Logits of the shape [{string.Join(", ", logits.shape)}] were given; the loss needs as many texts as pictures.", nameof(logits));
        using var scope = NewDisposeScope();
        long count = logits.size(0);
        Tensor signs = eye(count, dtype: ScalarType.Float32, device: logits.device) * 2 - 1;
        return (F.logsigmoid(logits * signs).sum() / -count).MoveToOuterDisposeScope();
    }
}
