namespace Microsoft.ML.MetaMorph;

/// <summary>Options with which a training takes less memory, and how much it takes with each.</summary>
/// <param name="options">Those that were asked for.</param>
/// <param name="longestRow">Positions of the longest row.</param>
/// <param name="isTrained">Whether the start has learned already, so that an adapter can be trained beside it.</param>
/// <param name="peak">Tells the bytes at the peak.</param>
internal sealed class SmallerTrainings(VisualPredictiveTrainingOptions options, long longestRow, bool isTrained, Func<VisualPredictiveTrainingOptions, long> peak)
{
    /// <summary>What to do where there is nothing that would fit.</summary>
    public const string Otherwise = "Choose a smaller model or smaller sizes, or free memory.";

    /// <summary>Those that fit, as a sentence; else <see cref="Otherwise"/>.</summary>
    public string ThatFit(long available)
    {
        string[] fitting = [.. Choices().Select(choice => (choice.Name, Bytes: peak(choice.Options))).Where(choice => choice.Bytes <= available).Select(Text)];
        return fitting.Length == 0 ? Otherwise : $"These fit: {string.Join("; ", fitting)}. Or choose a smaller model, or free memory.";
    }

    /// <summary>Those that take less, as a sentence.</summary>
    public string ThatTakeLess(long than)
    {
        string[] less = [.. Choices().Select(choice => (choice.Name, Bytes: peak(choice.Options))).Where(choice => choice.Bytes < than).Select(Text)];
        return less.Length == 0 ? Otherwise : string.Join("; ", less) + ".";
    }

    private static string Text((string Name, long Bytes) choice) => $"{choice.Name} takes some {TrainingPlan.Size(choice.Bytes)}";

    private IEnumerable<(string Name, VisualPredictiveTrainingOptions Options)> Choices()
    {
        int shortest = (int)Math.Max(1, Math.Min(int.MaxValue, longestRow));
        bool shortens = shortest < options.SequenceBudget;
        if (!options.RecomputesActivations) yield return ("ActivationCheckpointing = true", options with { ActivationCheckpointing = true });
        if (shortens) yield return ($"SequenceBudget = {shortest} (the longest row)", options with { SequenceBudget = shortest });
        if (options.AveragingDecay is not null) yield return ("AveragingDecay = null", options with { AveragingDecay = null });
        if (options.KeepBestWeights) yield return ("KeepBestWeights = false", options with { KeepBestWeights = false });
        if (!options.RecomputesActivations && shortens) yield return ($"ActivationCheckpointing = true with SequenceBudget = {shortest}", options with { ActivationCheckpointing = true, SequenceBudget = shortest });
        if (!isTrained || options.Stage != VisualPredictiveStage.InstructionTuning) yield break;
        if (options.LowRank is null) yield return ("LowRank = new LowRankOptions()", options with { LowRank = new LowRankOptions() });
        if (options.LowRank is not { FrozenWeights: FrozenWeights.Int8 })
            yield return ("LowRank with FrozenWeights = Int8", options with { LowRank = (options.LowRank ?? new LowRankOptions()) with { FrozenWeights = FrozenWeights.Int8 } });
    }
}
