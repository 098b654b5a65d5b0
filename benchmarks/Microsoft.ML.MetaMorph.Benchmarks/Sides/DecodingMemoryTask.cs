using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>
/// How much memory decoding one picture takes at its peak, above the loaded model: the process's peak after it, less its resident size
/// before it, when the decoder's weights lie in memory and a tiny picture was decoded in the same way.
/// </summary>
/// <remarks>A process has one peak: whole and tiled decoding are measured in a process each.</remarks>
internal static class DecodingMemoryTask
{
    public const string Whole = "wholeMiB", Tiled = "tiledMiB", Loaded = "loadedMiB";

    public static SideResult Run(SideOptions options, bool tiled)
    {
        using var mode = no_grad();
        using var drawing = new DrawingInputs(options);
        using Tensor latents = drawing.Input(StableDiffusionFolder.Latents);
        AutoencoderKL autoencoder = drawing.Model.Autoencoder!;
        SideReport.Event(SideReport.Ready);
        using (Tensor tiny = zeros(1, latents.shape[1], 2, 2)) autoencoder.Decode(tiny, tiled).Dispose();
        SideReport.Event(SideReport.Warm);
        double loaded = ResidentMemory.AfterCollection();
        double[] fingerprint = [];
        double seconds = SideReport.Time(() =>
        {
            using Tensor picture = autoencoder.Decode(latents, tiled);
            fingerprint = DrawingInputs.Fingerprint(picture);
        });
        return new SideResult
        {
            Seconds = [seconds],
            Units = latents.shape[0],
            Checksum = fingerprint,
            How = drawing.Precision.ToString(),
            Figures = new() { [Loaded] = loaded, [tiled ? Tiled : Whole] = ResidentMemory.Peak() - loaded },
        };
    }
}
