namespace Microsoft.ML.MetaMorph;

/// <summary>TorchSharp computes everything, on whatever device the model lies: rows padded on the left share one cache.</summary>
internal sealed class TorchDecoder(CausalLanguageModel language, MetaMorphModel? visual) : ResponseDecoder
{
    public override string Name => $"TorchSharp on {language.Device}";

    public override DecodingBatch Start(IReadOnlyList<DecodingPrompt> prompts, int chunk, CancellationToken cancellation)
    {
        var batch = new TorchBatch(language, visual, prompts);
        try
        {
            batch.Prefill(prompts, chunk, cancellation);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }
}
