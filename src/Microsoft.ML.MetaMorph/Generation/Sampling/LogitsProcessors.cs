namespace Microsoft.ML.MetaMorph;

/// <summary>Every change that the options ask for, in the order of the published implementations: repetition, n-gram, temperature, top-k, top-p, min-p.</summary>
internal static class LogitsProcessors
{
    /// <param name="logits">One row of logits, changed in place; removed tokens become −∞.</param>
    /// <param name="history">The ids of prompt and answer, placeholders (below 0) for images.</param>
    /// <param name="options">A temperature of 0 means greedy: what only reshapes or narrows the distribution is left out, since it never changes the most likely token.</param>
    public static void Apply(Span<float> logits, ReadOnlySpan<int> history, GenerationOptions options)
    {
        RepetitionPenalty.Apply(logits, history, options.RepetitionPenalty);
        RepeatedNGramBan.Apply(logits, history, options.NoRepeatNGramSize);
        if (options.IsGreedy) return;
        TemperatureScaling.Apply(logits, options.Temperature);
        TopK.Apply(logits, options.TopK);
        TopP.Apply(logits, options.TopP);
        MinP.Apply(logits, options.MinP);
    }
}
