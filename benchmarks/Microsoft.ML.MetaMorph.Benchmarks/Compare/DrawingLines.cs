namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The lines of pictures out and their bars.</summary>
/// <param name="folder">Where the visualizer of most lines lies.</param>
/// <param name="tiny">Where the tiny one lies, of which a hundred pictures are drawn.</param>
/// <param name="shrink">Tiny shapes.</param>
internal sealed class DrawingLines(string folder, string tiny, bool shrink)
{
    private const int AdapterBatch = 8, AdapterCalls = 50;
    private const double TiledBar = 0.5;

    /// <summary>Convolutions may be faster with the channels of a pixel side by side, or not: both are tried.</summary>
    private static readonly PythonVariant[] Formats =
    [
        new("fp32", false, ["--dtype", "float32"]),
        new("fp32, channels last", false, ["--dtype", "float32", "--memory-format", "channels_last"]),
        new("bf16, channels last", true, ["--dtype", "bfloat16", "--memory-format", "channels_last"]),
    ];

    private readonly VisualizerConfig _config = shrink ? ModelShapes.StableDiffusionTiny : ModelShapes.StableDiffusion;

    public IEnumerable<PairedLine> Paired()
    {
        yield return Step("unet-256", shrink ? 8 : 32, repeats: 3);
        yield return Step("unet-512", shrink ? 16 : 64, repeats: 2);
        yield return new PairedLine("vae-512", $"Decoding latents of {Latents}×{Latents} to a picture of {Pixels}×{Pixels}, Stable Diffusion 1.x autoencoder",
            PrepareDecoding, SideTasks.DecodePicture, "pictures/s", 2, 1.0, Formats);
        VisualTokenAdapterConfig adapter = _config.Adapter;
        yield return new PairedLine("adapter", $"Adapter (mlp), {adapter.TokenCount} tokens of {adapter.InputWidth} → {adapter.HiddenWidth} → {adapter.OutputWidth}, {AdapterBatch} pictures, {AdapterCalls} times",
            () => StableDiffusionFolder.Adapter(folder, _config, AdapterBatch, AdapterCalls), SideTasks.Adapter, "pictures/s", 5, 1.0, BenchmarkLines.Types);
    }

    public IEnumerable<SoloLine> Solo()
    {
        yield return new SoloLine("vae-512-tiled", $"Memory at the peak of decoding {Pixels}×{Pixels} tiled beside whole, above the loaded model",
            PrepareDecoding, [SideTasks.MemoryDecodingWhole, SideTasks.MemoryDecodingTiled], 1, "below half", JudgeTiled);
        yield return new SoloLine("pictures", $"Resident size over {PicturesTask.Pictures} pictures of {PicturesTask.Steps} steps after {PicturesTask.WarmUp} (tiny visualizer)",
            () => StableDiffusionFolder.Prepare(tiny, ModelShapes.StableDiffusionTiny), [SideTasks.Pictures], 1, BenchmarkLines.MemoryBar, BenchmarkLines.JudgeMemory);
    }

    private int Latents => shrink ? 8 : 64;

    private int Pixels => Latents * _config.Factor;

    private string PrepareDecoding() => StableDiffusionFolder.Decoding(folder, _config, Latents);

    private PairedLine Step(string name, int size, int repeats)
        => new(name, $"Guided step (batch of 2) of Stable Diffusion 1.5's UNet, latents of {size}×{size}", () => StableDiffusionFolder.Step(folder, _config, size), SideTasks.UNetStep, "steps/s", repeats, 1.0, Formats);

    private static (string, bool) JudgeTiled(IReadOnlyList<SideResult> results)
    {
        SideResult[] whole = [.. results.Where(r => r.Figures.ContainsKey(DecodingMemoryTask.Whole))], tiled = [.. results.Except(whole)];
        // The most that tiled decoding took in any round beside the least of the whole one.
        double least = whole.Min(r => r.Figures[DecodingMemoryTask.Whole]), most = tiled.Max(r => r.Figures[DecodingMemoryTask.Tiled]);
        double difference = whole[0].Checksum.Zip(tiled[0].Checksum, (w, t) => Math.Abs(w - t)).Max() / whole[0].Checksum.Max(Math.Abs);
        bool same = difference <= PairedOutcome.Tolerance(whole[0]);
        string figure = FormattableString.Invariant($"{most:F0} MiB tiled, {least:F0} MiB whole ({most / least:P0}), above {whole[0].Figures[DecodingMemoryTask.Loaded]:F0} MiB loaded; {(same ? "the same picture" : "another picture")} (difference {difference:E0})");
        return (figure, same && most < TiledBar * least);
    }
}
