using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Prepares a model for a training of its low-rank adapter.</summary>
internal static class LowRankStart
{
    /// <summary>Gives the model a fresh adapter, or finds that it has the one that the options ask for; without options it must have none.</summary>
    /// <exception cref="InvalidOperationException">The model has another adapter than is asked for.</exception>
    /// <exception cref="InvalidDataException">The options name layers that the model does not have.</exception>
    public static void Prepare(MetaMorphModel model, VisualPredictiveTrainingOptions options)
    {
        if (options.LowRank is null)
        {
            if (model.Language.Adapter is not null) throw new InvalidOperationException($"The model has a low-rank adapter, but {nameof(options.LowRank)} is null. Merge the adapter (MergeAdapter) to train the weights themselves, or set {nameof(options.LowRank)} as it was.");
            return;
        }
        LowRankConfig config = options.LowRank.ToConfig();
        if (config.ModulesToSave.FirstOrDefault(module => !model.named_parameters().Any(entry => (config with { ModulesToSave = [module] }).IsSaved(entry.name))) is { } unknown)
            throw new InvalidDataException($"{nameof(LowRankOptions.ModulesToSave)} names '{unknown}', of which the model has no parameter. Known parts: mm_projector, vision_head, embed_tokens{(model.Language.Head is null ? "" : ", lm_head")}.");
        if (model.Language.Adapter is { } adapter)
        {
            if (!adapter.Config.IsLike(config)) throw new InvalidOperationException($"The model has a low-rank adapter of rank {adapter.Config.Rank} for '{adapter.Config.Targets}', which differs from {nameof(options.LowRank)} (rank {config.Rank}, '{config.Targets}', or another of its options). Set it as it was to go on with that adapter, or merge it (MergeAdapter) to begin another.");
            return;
        }
        using var generator = new Generator((ulong)(uint)options.Seed, CPU);
        LowRankAdapter.Attach(model, model.Language, config, new FreshParameters(model.Device, generator), strict: true);
    }

    /// <summary>Lets the layers that do not learn keep their weights in the type of the products; called once it is known which learn.</summary>
    public static void KeepFrozenCopies(MetaMorphModel model)
    {
        if (model.Language.Adapter is null) return;
        foreach (Linear layer in model.modules().OfType<Linear>().Where(layer => !layer.Weight.requires_grad && layer.Scales is null)) layer.ProductWeight.IsFixed = true;
    }
}
