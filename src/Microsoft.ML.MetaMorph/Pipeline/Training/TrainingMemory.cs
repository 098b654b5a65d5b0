using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Tells, before anything is made or loaded, that a training does not fit into the memory that is free: weights, gradients and AdamW's two
/// moments in float32, and a running average if there is one. Activations are not counted; they depend on the rows. Instruction tuning, whose rows are
/// looked at first, has a <see cref="TrainingPlan"/> instead.
/// </summary>
/// <param name="device">Where the training happens; only the machine's own memory is known here.</param>
/// <param name="averages">Whether a running average of the weights is kept.</param>
internal sealed class TrainingMemory(Device device, bool averages)
{
    private int CopiesBesides => averages ? 4 : 3;

    /// <summary>For a model that is stored.</summary>
    /// <param name="archive">Only its names and shapes are looked at.</param>
    /// <param name="part">Groups names; null = the parts of a MetaMorph.</param>
    /// <exception cref="InsufficientMemoryException">The message names both numbers and what to do.</exception>
    public void Require(TensorArchive archive, Func<string, string>? part = null) => Require(MemoryEstimate.Of(archive, ScalarType.Float32, part));

    /// <summary>For a model that is not there yet: it is built on the meta device, which has names and shapes but no elements.</summary>
    /// <param name="what">The model in words, for messages; the start of a sentence.</param>
    /// <param name="build">Builds the model.</param>
    /// <param name="layer">What the names of the parameters of a layer begin with, of which the model that is built has one alone: thousands take long to build even without elements.</param>
    /// <param name="layers">How many such layers the model will have.</param>
    /// <param name="part">Groups names; null = the parts of a MetaMorph and the teachers of its encoder.</param>
    /// <exception cref="InsufficientMemoryException">The message names both numbers and what to do.</exception>
    public void Require(string what, Func<ParameterSource, nn.Module> build, string? layer = null, int layers = 1, Func<string, string>? part = null)
    {
        using nn.Module model = build(new MetaParameters());
        Require(MemoryEstimate.Of(what, [.. model.named_parameters().Select(entry => new TensorInfo(entry.name, ScalarType.Float32, Shape(entry.name, entry.parameter.shape), what))], part: part ?? Part));

        long[] Shape(string name, long[] one) => layer is not null && name.StartsWith(layer, StringComparison.Ordinal) ? [layers, .. one] : one;
    }

    private static string Part(string name) => name.StartsWith("caption_decoder.", StringComparison.Ordinal) ? "captioning decoder" : CheckpointKeys.Part(name);

    private void Require(MemoryEstimate estimate)
    {
        if (device.type == TorchSharp.DeviceType.CPU) estimate.Require(checked(CopiesBesides * estimate.TotalBytes), "training", advice: SmallerTrainings.Otherwise);
    }
}
