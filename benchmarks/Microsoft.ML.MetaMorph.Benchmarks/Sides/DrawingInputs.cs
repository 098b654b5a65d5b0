using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The visualizer of a line that draws, opened as the pipeline opens it, and the line's inputs.</summary>
/// <remarks>Weights are mapped: a part that a task does not use takes no memory.</remarks>
internal sealed class DrawingInputs : IDisposable
{
    private readonly VisualizerCheckpoint _checkpoint;
    private readonly TensorArchive _inputs;

    /// <param name="options">Its folder holds the inputs and lies in the folder of the visualizer.</param>
    public DrawingInputs(SideOptions options)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder));
        _checkpoint = VisualizerFolder.Open(Path.GetDirectoryName(folder)!);
        Model = new VisualizerModel(_checkpoint.Config, new StoredParameters(_checkpoint.Weights, CPU));
        Model.eval();
        Precision = PrecisionProbe.Resolve(options.Precision, Model, CPU);
        PrecisionProbe.Apply(Model, Precision, isFixed: true);
        _inputs = TensorArchive.Open(Path.Combine(folder, ModelFolder.Inputs));
    }

    public VisualizerModel Model { get; }

    public PrecisionChoice Precision { get; }

    public Tensor Input(string name) => _inputs.Read(name);

    /// <summary>The fingerprint of a tensor's values in the order of its dimensions, however it lies in memory.</summary>
    public static double[] Fingerprint(Tensor values)
    {
        using Tensor whole = values.contiguous();
        return SideReport.Fingerprint(TensorMemory.Span<float>(whole));
    }

    public void Dispose()
    {
        _inputs.Dispose();
        Model.Dispose();
        _checkpoint.Dispose();
    }
}
