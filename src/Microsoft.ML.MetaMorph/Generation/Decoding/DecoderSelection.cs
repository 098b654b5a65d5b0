namespace Microsoft.ML.MetaMorph;

/// <summary>Which engine decodes a model: what the options ask for, or the vectorized one wherever it can.</summary>
internal static class DecoderSelection
{
    /// <param name="language">The language model.</param>
    /// <param name="visual">The model around it, if there is one.</param>
    /// <param name="options">The engine, its threads and weights.</param>
    /// <param name="log">Told which engine decodes, and why not the other.</param>
    /// <exception cref="NotSupportedException">The vectorized engine is asked for, but cannot decode the model; the message says why.</exception>
    public static ResponseDecoder Create(CausalLanguageModel language, MetaMorphModel? visual, GenerationOptions options, Action<string>? log = null)
    {
        ResponseDecoder decoder;
        if (options.Engine == DecodingEngine.Torch)
        {
            decoder = new TorchDecoder(language, visual);
            log?.Invoke($"Decoding: {decoder.Name}, as asked for.");
        }
        else if (VectorizedDecoder.Refusal(language, visual) is { } reason)
        {
            if (options.Engine == DecodingEngine.Vectorized)
                throw new NotSupportedException($"{nameof(GenerationOptions.Engine)} is {nameof(DecodingEngine.Vectorized)}, but the vectorized engine cannot decode this model: {reason}. Use {nameof(DecodingEngine.Auto)} or {nameof(DecodingEngine.Torch)}.");
            decoder = new TorchDecoder(language, visual);
            log?.Invoke($"Decoding: {decoder.Name}; not the vectorized engine, for {reason}.");
        }
        else
        {
            decoder = new VectorizedDecoder(language, visual, options.Threads, options.BFloat16Weights);
            log?.Invoke($"Decoding: {decoder.Name}.");
        }
        return decoder;
    }
}
