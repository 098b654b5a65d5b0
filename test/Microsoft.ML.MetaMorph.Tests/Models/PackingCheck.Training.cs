using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Losses and gradients of kind <c>packing</c>: in one pack, and row by row with token-weighted accumulation.</summary>
internal static partial class PackingCheck
{
    static partial void CheckTraining(ReferenceCase reference)
    {
        int count = reference.Json.GetProperty("rows").GetInt32();
        Check(reference, rows => [rows], "in one pack");
        Check(reference, rows => [[.. rows.Reverse()]], "in one pack, in reverse order");
        Check(reference, rows => [.. rows.Select(row => new[] { row })], "row by row");
        Check(reference, rows => [rows[..(count / 2)], rows[(count / 2)..]], "in two packs");
        Check(reference, rows => [rows], "with three logits at a time", logitRows: 3);
        Check(reference, rows => [rows], "with recomputed activations", checkpointing: true);
    }

    private static void Check(ReferenceCase reference, Func<TrainingRow[], TrainingRow[][]> split, string how, int? logitRows = null, bool checkpointing = false)
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = MetamorphCheck.Load(reference);
        using var flat = new FlatParameters([ParameterGroup.Of("model", model)]);
        double coefficient = model.Config.VisionCoefficient;
        var objective = new VisualPredictiveObjective(model, coefficient, checkpointing)
        {
            LogitBudget = logitRows is { } rows ? rows * (long)model.Config.Language.VocabularySize : VisualPredictiveObjective.DefaultLogitBudget,
        };
        var packs = split(ReferenceRows.Of(reference)).Select(part => ReferenceRows.Pack(part, model.Config)).ToList();
        int languageCount = packs.Sum(p => p.Sequence.SupervisedTokens), visualCount = packs.Sum(p => p.Sequence.VisualTargets);
        LossParts loss = default;
        foreach ((PackedSequence sequence, Tensor? visual) in packs) loss += objective.Accumulate(sequence, visual, languageCount, visualCount);
        Assert.AreEqual(reference.Json.GetProperty("supervised_tokens").GetInt64(), loss.LanguageCount, $"{reference.Name}: supervised tokens {how}");
        Assert.AreEqual(reference.Json.GetProperty("visual_positions").GetInt64(), loss.VisualCount, $"{reference.Name}: visual positions {how}");
        MetamorphCheck.CompareLossAndGradients(reference, model, loss, coefficient, how);
    }
}
