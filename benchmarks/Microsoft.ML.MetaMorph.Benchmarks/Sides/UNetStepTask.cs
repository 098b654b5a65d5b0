using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>What the UNet predicts for one picture at one timestep, with and without its condition, and guidance between the two.</summary>
internal static class UNetStepTask
{
    /// <summary>The PyTorch side has the same.</summary>
    private const double Timestep = 500, Scale = 7.5;

    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        using var drawing = new DrawingInputs(options);
        using Tensor latents = drawing.Input(StableDiffusionFolder.Latents), context = drawing.Input(StableDiffusionFolder.Context);
        DiffusionConditioning positive = new(context), negative = positive.Zeros();
        var guidance = new ClassifierFreeGuidance(drawing.Model, positive, negative, Scale);
        double[] fingerprint = [];
        double[] seconds = SideReport.Measure(options.Repeats, () => guidance.Predict(latents, Timestep).Dispose(), () =>
        {
            // Guidance multiplies the rounding of bfloat16: single elements are those of the two predictions before it.
            using Tensor predicted = guidance.Predict(latents, Timestep), twice = cat([latents, latents], 0), times = full([2L], (float)Timestep);
            using Tensor apart = drawing.Model.Predict(twice, times, negative.Concat(positive));
            fingerprint = [DrawingInputs.Fingerprint(predicted)[0], .. DrawingInputs.Fingerprint(apart)];
        });
        return new SideResult { Seconds = seconds, Units = 1, Checksum = fingerprint, How = drawing.Precision.ToString() };
    }
}
