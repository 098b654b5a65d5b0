using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a training starts from, before anything is made or loaded.</summary>
/// <param name="Config">The model's sizes.</param>
/// <param name="Text">Tokenizer and template.</param>
/// <param name="What">The model in words, for messages; the start of a sentence.</param>
/// <param name="IsTrained">Whether it has learned already.</param>
/// <param name="Stored">In which element type a parameter is stored; float32 for one that will be made.</param>
internal sealed record TrainingStart(MetaMorphConfig Config, ConversationText Text, string What, bool IsTrained, Func<string, ScalarType> Stored)
{
    /// <summary>For a model of random weights.</summary>
    public static TrainingStart Fresh((MetaMorphConfig Config, ConversationText Text) model)
        => new(model.Config, model.Text, "A new model of these sizes (Architecture)", IsTrained: false, _ => ScalarType.Float32);

    /// <summary>For a copy of a model.</summary>
    public static TrainingStart Copy(ResponseModel previous)
    {
        Dictionary<string, ScalarType> types = previous.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value.dtype);
        return new(previous.Config, previous.Text, "A copy of the previous model", IsTrained: true, name => types.GetValueOrDefault(name, ScalarType.Float32));
    }

    /// <summary>For the model of a folder, of which names, types and shapes are looked at.</summary>
    public static TrainingStart FromFolder(string folder, (MetaMorphConfig Config, ConversationText Text) model)
    {
        using TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(folder));
        Dictionary<string, ScalarType> types = archive.Tensors.ToDictionary(entry => entry.Key, entry => entry.Value.ElementType);
        return new(model.Config, model.Text, $"'{archive.Location}'", IsTrained: true, name => types.GetValueOrDefault(name, ScalarType.Float32));
    }
}
