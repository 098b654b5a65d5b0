namespace Microsoft.ML.MetaMorph;

/// <summary>Removes tokens whose probability is below a fraction of the most likely token's (Nguyen et al. 2024).</summary>
internal static class MinP
{
    /// <param name="logits">One row of logits; removed tokens become −∞.</param>
    /// <param name="fraction">0 removes nothing; 1 keeps the most likely token and its equals.</param>
    public static void Apply(Span<float> logits, double fraction)
    {
        if (fraction <= 0) return;
        float threshold = (float)(Softmax.Max(logits) + Math.Log(fraction));   // p < f · max p, as logits: no exponential needed
        foreach (ref float logit in logits)
            if (logit < threshold) logit = float.NegativeInfinity;
    }
}
