using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A prompt up to the logits of its next token, with the cache filled.</summary>
internal static class PrefillTask
{
    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        using var inputs = new SideInputs(options.Folder);
        using var model = new CausalLanguageModel(LanguageModelConfig.FromJson(inputs.Config), inputs.Weights(options.Precision));
        PrecisionChoice precision = PrecisionProbe.Resolve(options.Precision, model, CPU);
        PrecisionProbe.Apply(model, precision);
        var generation = new GenerationOptions { Threads = options.Threads };
        using ResponseDecoder decoder = DecoderSelection.Create(model, null, generation);
        int[] prompt = inputs.Numbers("prompt");
        double[] fingerprint = [];
        double[] seconds = SideReport.Measure(options.Repeats, Work);
        return new SideResult { Seconds = seconds, Units = prompt.Length, Checksum = fingerprint, How = $"{precision}; {decoder.Name}" };

        void Work()
        {
            using DecodingBatch batch = decoder.Start([new DecodingPrompt(prompt, [], MaxNewPositions: 1, WantsVisual: false)], generation.PrefillChunk, default);
            fingerprint = SideReport.Fingerprint(batch.Rows[0].Logits);
        }
    }
}
