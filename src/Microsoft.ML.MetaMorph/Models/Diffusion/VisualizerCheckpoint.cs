namespace Microsoft.ML.MetaMorph;

/// <summary>An opened visualizer: what it is, and its weights, which are read when a model is made of them.</summary>
/// <param name="Config">The parts and their shapes.</param>
/// <param name="Weights">All parts' weights as <c>adapter.*</c>, <c>unet.*</c> and <c>vae.*</c>; this object's to dispose. Models made of them outlive it.</param>
internal sealed record VisualizerCheckpoint(VisualizerConfig Config, TensorArchive Weights) : IDisposable
{
    public void Dispose() => Weights.Dispose();
}
