using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>The parts of a MetaMorph model as groups of parameters, by the stage of training.</summary>
internal static class MetaMorphParts
{
    public static IReadOnlyList<ParameterGroup> Groups(MetaMorphModel model, VisualPredictiveTrainingOptions options)
    {
        LowRankAdapter? adapter = model.Language.Adapter;
        var own = model.named_parameters().Select(p => (Name: p.name, Parameter: p.parameter)).ToLookup(p => adapter is null || adapter.Config.IsSaved(p.Name));
        ILookup<Part, (string Name, Parameter Parameter)> parts = own[true].ToLookup(p => PartOf(p.Name));
        bool tuning = options.Stage == VisualPredictiveStage.InstructionTuning;
        var groups = new List<ParameterGroup>();
        void Add(Part part, double factor, bool trainable) => groups.AddRange(ParameterGroup.Decaying(NameOf(part), parts[part], options.WeightDecay, factor, trainable));
        if (adapter is not null) groups.AddRange(ParameterGroup.Decaying("low-rank adapter", adapter.NamedParameters(), options.WeightDecay, options.LanguageModelRateFactor));
        Add(Part.Encoder, 0, trainable: false);
        Add(Part.Projector, options.ProjectorRateFactor, trainable: true);
        Add(Part.Embedding, options.LanguageModelRateFactor, trainable: true);
        Add(Part.Language, options.LanguageModelRateFactor, tuning);
        Add(Part.Head, options.VisionHeadRateFactor, tuning);
        if (adapter is not null) groups.Add(new ParameterGroup("frozen base", [.. own[false]], Trainable: false));
        return groups;
    }

    /// <summary>What the part of a parameter is called.</summary>
    public static string NameOf(string parameter) => NameOf(PartOf(parameter));

    private static string NameOf(Part part) => part switch
    {
        Part.Encoder => "encoder",
        Part.Projector => "projector",
        Part.Embedding => "input embedding",
        Part.Language => "language model",
        _ => "vision head",
    };

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
