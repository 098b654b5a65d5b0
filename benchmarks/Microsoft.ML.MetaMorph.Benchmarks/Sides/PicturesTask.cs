using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A hundred pictures, each of fifty guided steps: the resident size after some before them, and at the end.</summary>
internal static class PicturesTask
{
    public const int Pictures = 100, Steps = 50, WarmUp = 20;

    public static SideResult Run(SideOptions options)
    {
        using DrawingModel model = DrawingModelFolder.Open(options.Folder, new VisualizerOptions { Precision = options.Precision });
        VisualTokenAdapterConfig adapter = model.Config.Adapter;
        var generation = new ImageGenerationOptions { Steps = Steps };
        SideReport.Event(SideReport.Ready);
        for (int i = 0; i < WarmUp; i++) Draw(i);
        double before = ResidentMemory.AfterCollection(), tensors = Tensor.TotalCount;
        SideReport.Event(SideReport.Warm);
        double seconds = SideReport.Time(() =>
        {
            for (int i = 0; i < Pictures; i++) Draw(i);
        });
        double after = ResidentMemory.AfterCollection();
        return new SideResult
        {
            Seconds = [seconds],
            Units = Pictures,
            Figures = new() { ["beforeMiB"] = before, ["afterMiB"] = after, ["grownMiB"] = after - before, ["grownTensors"] = Tensor.TotalCount - tensors },
        };

        void Draw(int number)
        {
            var random = new Random(number);
            float[] tokens = [.. Enumerable.Range(0, adapter.TokenCount * adapter.InputWidth).Select(_ => random.NextSingle() - 0.5f)];
            model.Draw(tokens, adapter.TokenCount, [number], generation, CPU);
        }
    }
}
