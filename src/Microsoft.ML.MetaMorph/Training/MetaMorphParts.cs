using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>The parts of a MetaMorph model as groups of parameters, by the stage of training.</summary>
internal static class MetaMorphParts
{
    public static IReadOnlyList<ParameterGroup> Groups(MetaMorphModel model, VisualPredictiveTrainingOptions options)
    {
        ILookup<Part, (string Name, Parameter Parameter)> parts = model.named_parameters().ToLookup(p => PartOf(p.name), p => (p.name, p.parameter));
        bool tuning = options.Stage == VisualPredictiveStage.InstructionTuning;
        var groups = new List<ParameterGroup>();
        void Add(Part part, string name, double factor, bool trainable) => groups.AddRange(ParameterGroup.Decaying(name, parts[part], options.WeightDecay, factor, trainable));
        Add(Part.Encoder, "encoder", 0, trainable: false);
        Add(Part.Projector, "projector", options.ProjectorRateFactor, trainable: true);
        Add(Part.Embedding, "input embedding", options.LanguageModelRateFactor, trainable: true);
        Add(Part.Language, "language model", options.LanguageModelRateFactor, tuning);
        Add(Part.Head, "vision head", options.VisionHeadRateFactor, tuning);
        return groups;
    }

    private static Part PartOf(string name)
        => name.StartsWith("model.vision_tower.", StringComparison.Ordinal) ? Part.Encoder
        : name.StartsWith("model.mm_projector.", StringComparison.Ordinal) ? Part.Projector
        : name.StartsWith("model.embed_tokens.", StringComparison.Ordinal) ? Part.Embedding
        : name.StartsWith("vision_head.", StringComparison.Ordinal) ? Part.Head
        : Part.Language;

    private enum Part
    {
        Encoder,
        Projector,
        Embedding,
        Language,
        Head,
    }
}
