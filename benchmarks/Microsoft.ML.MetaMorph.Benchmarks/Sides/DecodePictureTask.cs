using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A picture of its latents, decoded whole.</summary>
internal static class DecodePictureTask
{
    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        using var drawing = new DrawingInputs(options);
        using Tensor latents = drawing.Input(StableDiffusionFolder.Latents);
        AutoencoderKL autoencoder = drawing.Model.Autoencoder!;
        double[] fingerprint = [];
        double[] seconds = SideReport.Measure(options.Repeats, () => autoencoder.Decode(latents).Dispose(), () =>
        {
            using Tensor picture = autoencoder.Decode(latents);
            fingerprint = DrawingInputs.Fingerprint(picture);
        });
        return new SideResult { Seconds = seconds, Units = latents.shape[0], Checksum = fingerprint, How = drawing.Precision.ToString() };
    }
}
