namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Options with lists and dictionaries are the same where they say the same, whatever objects hold them.</summary>
[TestClass]
public sealed class LowRankFingerprintTests
{
    private static LowRankOptions Options => new()
    {
        Rank = 4,
        Dropout = 0.1,
        TargetModules = new List<string> { "q_proj", "v_proj" },
        RankPattern = new Dictionary<string, int> { ["layers.0.*"] = 2, ["v_proj"] = 3 },
        AlphaPattern = new SortedDictionary<string, double> { ["v_proj"] = 0.5 },
    };

    [TestMethod]
    public void EqualOptionsGiveEqualText()
    {
        LowRankOptions others = Options with { TargetModules = ["q_proj", "v_proj"], AlphaPattern = new Dictionary<string, double> { ["v_proj"] = 0.5 }, ModulesToSave = new[] { "mm_projector", "vision_head" } };
        Assert.AreNotEqual(Options, others, "records compare their lists by reference");
        Assert.IsEmpty(Differences(Options, others));
        Assert.IsEmpty(Differences(null, null));
    }

    [TestMethod]
    public void EachOptionThatDiffersIsTold()
    {
        LowRankOptions[] different =
        [
            Options with { Rank = 5 },
            Options with { Alpha = 9 },
            Options with { RankStabilized = true },
            Options with { Dropout = 0.2 },
            Options with { TargetModules = ["q_proj"] },
            Options with { TargetModules = ["v_proj", "k_proj"] },
            Options with { RankPattern = new Dictionary<string, int> { ["layers.0.*"] = 2, ["v_proj"] = 4 } },
            // The first that matches counts, so their order does.
            Options with { RankPattern = new Dictionary<string, int> { ["v_proj"] = 3, ["layers.0.*"] = 2 } },
            Options with { AlphaPattern = new Dictionary<string, double>() },
            Options with { ModulesToSave = ["mm_projector"] },
            Options with { FrozenWeights = FrozenWeights.Int8 },
        ];
        CollectionAssert.AreEquivalent(typeof(LowRankOptions).GetProperties().Select(property => property.Name).ToArray(), new[] { "Rank", "Alpha", "RankStabilized", "Dropout", "TargetModules", "RankPattern", "AlphaPattern", "ModulesToSave", "FrozenWeights" }, "an option that is not tried here");
        foreach (LowRankOptions options in different) Assert.HasCount(1, Differences(Options, options), options.ToString());
        string none = Differences(Options, null).Single();
        Assert.AreEqual("""Training.LowRank is {"Rank":4,"Alpha":8,"RankStabilized":false,"Dropout":0.1,"TargetModules":["q_proj","v_proj"],"RankPattern":{"layers.0.*":2,"v_proj":3},"AlphaPattern":{"v_proj":0.5},"ModulesToSave":["mm_projector","vision_head"],"FrozenWeights":"AsStored"} there and null here""", none);
    }

    private static IReadOnlyList<string> Differences(LowRankOptions? there, LowRankOptions? here) => Of(here).DifferencesFrom(Of(there).Values);

    private static TrainingFingerprint Of(LowRankOptions? options) => new TrainingFingerprint("Toy").WithOptions("Training", new VisualPredictiveTrainingOptions { LowRank = options });
}
