using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Visual tokens through the adapter, many times: one call takes too short a time to be measured well.</summary>
internal static class AdapterTask
{
    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        using var drawing = new DrawingInputs(options);
        using Tensor tokens = drawing.Input(StableDiffusionFolder.Tokens), count = drawing.Input(StableDiffusionFolder.Calls);
        VisualTokenAdapter adapter = drawing.Model.Adapter;
        long calls = count.item<long>();
        double[] fingerprint = [];
        double[] seconds = SideReport.Measure(options.Repeats, Work, () =>
        {
            using Tensor vectors = adapter.Forward(tokens);
            fingerprint = DrawingInputs.Fingerprint(vectors);
            Work();
        });
        return new SideResult { Seconds = seconds, Units = calls * tokens.shape[0], Checksum = fingerprint, How = drawing.Precision.ToString() };

        void Work()
        {
            for (long i = 0; i < calls; i++) adapter.Forward(tokens).Dispose();
        }
    }
}
