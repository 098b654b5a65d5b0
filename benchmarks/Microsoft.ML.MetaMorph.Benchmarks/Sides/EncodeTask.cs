using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A batch of pictures through a SigLIP tower, up to the last block's output.</summary>
internal static class EncodeTask
{
    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        using var inputs = new SideInputs(options.Folder);
        using var model = new SiglipVisionModel(SiglipVisionConfig.FromJson(inputs.Config), inputs.Weights(options.Precision));
        PrecisionChoice precision = PrecisionProbe.Resolve(options.Precision, model, CPU);
        PrecisionProbe.Apply(model, precision, isFixed: true);
        using Tensor pixels = inputs.Input("pixels");
        double[] fingerprint = [];
        double[] seconds = SideReport.Measure(options.Repeats, Work, () =>
        {
            using Tensor hidden = model.HiddenState(pixels);
            using Tensor whole = hidden.contiguous();
            fingerprint = SideReport.Fingerprint(TensorMemory.Span<float>(whole));
        });
        return new SideResult { Seconds = seconds, Units = pixels.shape[0], Checksum = fingerprint, How = precision.ToString() };

        void Work() => model.HiddenState(pixels).Dispose();
    }
}
