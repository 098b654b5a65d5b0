using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A thousand calls (encode a picture, answer a prompt with it): the resident size after warm-up and at the end.</summary>
internal static class MemoryTask
{
    public const int Calls = 1000;
    private const int WarmUp = 1000;                     // the runtime compiles hot methods anew and sizes its heap in the first hundreds of calls

    public static SideResult Run(SideOptions options)
    {
        using ImageEncoderModel encoder = ImageEncoderFolder.Open(Path.Combine(options.Folder, PipelineFolder.Encoder), new ImageEncoderOptions { Precision = options.Precision });
        using ResponseModel model = ResponseModelFolder.Open(Path.Combine(options.Folder, PipelineFolder.Model), CPU, options.Precision);
        var generation = new GenerationOptions { MaxNewTokens = 8, Threads = options.Threads };
        RgbImage[] pictures = [.. Enumerable.Range(0, 8).Select(SamplePictures.Rgb)];
        SideReport.Event(SideReport.Ready);
        for (int i = 0; i < WarmUp; i++) Call(i);
        double before = ResidentMemory.AfterCollection(), tensors = Tensor.TotalCount;
        SideReport.Event(SideReport.Warm);
        double seconds = SideReport.Time(() =>
        {
            for (int i = 0; i < Calls; i++) Call(i);
        });
        double after = ResidentMemory.AfterCollection();
        return new SideResult
        {
            Seconds = [seconds],
            Units = Calls,
            Figures = new() { ["beforeMiB"] = before, ["afterMiB"] = after, ["grownMiB"] = after - before, ["grownTensors"] = Tensor.TotalCount - tensors },
        };

        void Call(int number)
        {
            float[] tokens = encoder.Encode([pictures[number % pictures.Length]], 1, CPU);
            TokenSequence prompt = model.Text.Encoder.EncodePrompt(Conversation.FromTurns(["<image>" + SampleText.Prompt(number)], [], 1, "row"));
            model.Generate([new GenerationRequest(prompt.Ids, tokens)], generation, log: null);
        }
    }
}
