using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Training of a low-rank adapter beside a language model that stays as it is, bit for bit.</summary>
[TestClass]
public sealed class LowRankTrainingTests
{
    private static readonly VisualPredictiveTrainingOptions Options = new()
    {
        BatchSize = 8,
        LearningRate = 2e-2,
        MaximumSteps = 6,
        MaximumGradientNorm = 1,
        Precision = Precision.Float32,
        LowRank = new LowRankOptions { Rank = 4, Alpha = 8 },
    };

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    [DataRow(FrozenWeights.AsStored)]
    [DataRow(FrozenWeights.Int8)]
    public void TheLossFallsAndTheBaseStaysAsItIs(FrozenWeights frozen)
    {
        using var scope = NewDisposeScope();
        VisualPredictiveTrainingOptions options = Options with { MaximumSteps = 120, BatchSize = 16, LowRank = Options.LowRank! with { FrozenWeights = frozen } };
        using MetaMorphModel model = Start(options);
        Dictionary<string, Tensor> before = ToyTask.Weights(model);
        var losses = new List<double>();
        using var trainer = new VisualPredictiveTrainer(model, options);
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(32)), progress: p => losses.Add(p.TotalLoss));
        Assert.IsLessThan(losses[0] - 1, losses[^1], string.Join(", ", losses));
        foreach ((string name, Tensor after) in ToyTask.Weights(model)) Assert.AreEqual(!IsSaved(name), ToyTask.SameBits(before[name], after), name);
        Assert.AreEqual(frozen == FrozenWeights.Int8, model.Language.Model.Layers[0].FeedForward.Up.Weight.dtype == ScalarType.Int8);
    }

    [TestMethod]
    public void OnlyWhatLearnsHasGradientsAndOptimizerState()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = Start(Options);
        using var trainer = new VisualPredictiveTrainer(model, Options);
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(8)));
        string[] trained = [.. trainer.Optimizer.ExportState().Keys.Where(key => key.StartsWith("exp_avg.", StringComparison.Ordinal)).Select(key => key["exp_avg.".Length..]).Order(StringComparer.Ordinal)];
        string[] layers = ["mlp.down_proj", "mlp.gate_proj", "mlp.up_proj", "self_attn.k_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"];
        IEnumerable<string> expected = Enumerable.Range(0, 2).SelectMany(i => layers.SelectMany(layer => new[] { $"model.layers.{i}.{layer}.lora_A.weight", $"model.layers.{i}.{layer}.lora_B.weight" }))
            .Concat(model.named_parameters().Select(entry => entry.name).Where(IsSaved));
        CollectionAssert.AreEqual(expected.Order(StringComparer.Ordinal).ToArray(), trained);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            Assert.AreEqual(IsSaved(name), parameter.requires_grad, name);
            Assert.AreEqual(IsSaved(name), parameter.grad is not null, name);
        }
    }

    [TestMethod]
    [DataRow(0.0, Precision.Float32)]
    [DataRow(0.5, Precision.Float32)]
    [DataRow(0.5, Precision.BFloat16)]
    public void RecomputedActivationsGiveTheSameBits(double dropout, Precision precision)
    {
        using var scope = NewDisposeScope();
        VisualPredictiveTrainingOptions options = Options with { Precision = precision, LowRank = Options.LowRank! with { Dropout = dropout } };
        Dictionary<string, Tensor> plain = Train(options), recomputed = Train(options with { ActivationCheckpointing = true });
        foreach (string name in plain.Keys) Assert.IsTrue(ToyTask.SameBits(plain[name], recomputed[name]), name);
        if (dropout == 0) return;
        Dictionary<string, Tensor> without = Train(options with { LowRank = options.LowRank! with { Dropout = 0 } });
        Assert.IsFalse(plain.Keys.All(name => ToyTask.SameBits(plain[name], without[name])), "nothing was dropped");
    }

    [TestMethod]
    public void PackedRowsGiveWhatSeparateOnesGive()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> whole = Train(Options), parts = Train(Options with { SequenceBudget = 1 });
        foreach (string name in whole.Keys) Assert.IsLessThan(2e-3, (whole[name] - parts[name]).norm().item<float>() / whole[name].norm().item<float>(), name);
    }

    [TestMethod]
    public void TheSeedDecidesHowAnAdapterStarts()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> first = Begin(5), again = Begin(5), other = Begin(6);
        foreach ((string name, Tensor value) in first)
        {
            Assert.IsTrue(ToyTask.SameBits(value, again[name]), name);
            if (name.EndsWith("lora_B.weight", StringComparison.Ordinal))
            {
                Assert.AreEqual(0, value.abs().max().item<float>(), name);
                continue;
            }
            Assert.IsFalse(ToyTask.SameBits(value, other[name]), name);
            // kaiming_uniform_ with a = √5: uniform in ±1/√in, of deviation 1/√(3 in).
            double bound = 1 / Math.Sqrt(value.shape[1]);
            Assert.IsLessThanOrEqualTo(bound, value.abs().max().item<float>(), name);
            Assert.AreEqual(bound / Math.Sqrt(3), value.std().item<float>(), 0.25 * bound, name);
        }

        static Dictionary<string, Tensor> Begin(int seed)
        {
            MetaMorphModel model = ToyTask.Model();
            LowRankStart.Prepare(model, Options with { Seed = seed });
            return model.Language.Adapter!.NamedParameters().ToDictionary(entry => entry.Name, entry => entry.Parameter.detach().clone());
        }
    }

    [TestMethod]
    public void BFloat16LearnsAlikeAndKeepsOneNarrowCopyOfTheBase()
    {
        using var scope = NewDisposeScope();
        double Final(Precision precision)
        {
            VisualPredictiveTrainingOptions options = Options with { MaximumSteps = 60, Precision = precision };
            using MetaMorphModel model = Start(options);
            using var trainer = new VisualPredictiveTrainer(model, options);
            double loss = trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(32))).Loss.Total(1);
            Linear frozen = model.Language.Model.Layers[0].Attention.Query;
            Assert.IsTrue(frozen.ProductWeight.IsFixed);
            Assert.IsFalse(model.VisionHead.Layers[0].ProductWeight.IsFixed);
            if (precision == Precision.BFloat16) Assert.AreSame(frozen.ProductWeight.In(ScalarType.BFloat16), frozen.ProductWeight.In(ScalarType.BFloat16));
            return loss;
        }

        double single = Final(Precision.Float32), low = Final(Precision.BFloat16);
        Assert.AreNotEqual(single, low, "bfloat16 was not used");
        Assert.AreEqual(single, low, 0.15);
    }

    [TestMethod]
    public void APartThatIsNotSavedStaysAsItIs()
    {
        using var scope = NewDisposeScope();
        VisualPredictiveTrainingOptions options = Options with { LowRank = Options.LowRank! with { TargetModules = ["q_proj", "v_proj"], ModulesToSave = ["embed_tokens"] } };
        using MetaMorphModel model = Start(options);
        Dictionary<string, Tensor> before = ToyTask.Weights(model);
        using var trainer = new VisualPredictiveTrainer(model, options);
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(8)));
        foreach ((string name, Tensor after) in ToyTask.Weights(model)) Assert.AreEqual(name != "model.embed_tokens.weight", ToyTask.SameBits(before[name], after), name);
        Assert.AreEqual(2 * 2 * 2, model.Language.Adapter!.NamedParameters().Count());
    }

    [TestMethod]
    public void OptionsThatCannotBeAreNamed()
    {
        AssertOutOfRange(new LowRankOptions { Rank = 0 }, "Rank must be at least 1.");
        AssertOutOfRange(new LowRankOptions { Alpha = 0 }, "Alpha must be above 0.");
        AssertOutOfRange(new LowRankOptions { Dropout = 1 }, "Dropout must be at least 0 and below 1.");
        AssertOutOfRange(new LowRankOptions { TargetModules = [] }, "TargetModules must be names of layers, or all-linear alone.");
        AssertOutOfRange(new LowRankOptions { TargetModules = ["q_proj", "all-linear"] }, "TargetModules must be names of layers, or all-linear alone.");
        AssertOutOfRange(new LowRankOptions { ModulesToSave = [""] }, "ModulesToSave must be a list of names, none of them empty.");
        AssertOutOfRange(new LowRankOptions { RankPattern = new Dictionary<string, int> { ["q_proj"] = 0 } }, "RankPattern[q_proj] must be at least 1.");
        AssertOutOfRange(new LowRankOptions { FrozenWeights = (FrozenWeights)7 }, "FrozenWeights must be one of AsStored, Int8.");
        TensorAssert.Throws<ArgumentException>(() => (Options with { LowRank = new LowRankOptions { AlphaPattern = new Dictionary<string, double> { ["("] = 1 } } }).Validate(), "AlphaPattern: The pattern '(' is no regular expression: ");
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => (Options with { Stage = VisualPredictiveStage.ConnectorPretraining }).Validate(), "Stage must be InstructionTuning where LowRank is given: ConnectorPretraining leaves the language model as it is.");
    }

    [TestMethod]
    public void LayersThatTheModelDoesNotHaveAreNamed()
    {
        AssertRefused(new LowRankOptions { TargetModules = ["q_proj", "query"] }, "The model has no linear layer 'query' to adapt. Its linear layers are named down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj.");
        AssertRefused(new LowRankOptions { TargetModules = ["c_attn"] }, "No linear layer of the model is targeted by 'c_attn'. The model's linear layers are named down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj.");
        AssertRefused(new LowRankOptions { ModulesToSave = ["lm_head"] }, "ModulesToSave names 'lm_head', of which the model has no parameter. Known parts: mm_projector, vision_head, embed_tokens.");
    }

    [TestMethod]
    public void AnotherAdapterThanIsAskedForIsRefused()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        LowRankStart.Prepare(model, Options);
        LowRankStart.Prepare(model, Options with { Seed = 9 });
        TensorAssert.Throws<InvalidOperationException>(() => LowRankStart.Prepare(model, Options with { LowRank = new LowRankOptions { Rank = 2 } }), "The model has a low-rank adapter of rank 4 for 'all-linear', which differs from LowRank (rank 2, 'all-linear', or another of its options).");
        TensorAssert.Throws<InvalidOperationException>(() => LowRankStart.Prepare(model, Options with { LowRank = null }), "The model has a low-rank adapter, but LowRank is null. Merge the adapter (MergeAdapter)");
    }

    private static bool IsSaved(string name) => name.StartsWith("model.mm_projector.", StringComparison.Ordinal) || name.StartsWith("vision_head.", StringComparison.Ordinal);

    /// <summary>The toy model as a training with these options begins with it.</summary>
    private static MetaMorphModel Start(VisualPredictiveTrainingOptions options)
    {
        using MetaMorphModel model = ToyTask.Model();
        return new MetaMorphModel(ToyTask.Config, LowRankParameters.Of(ToyTask.Weights(model), CPU, options.LowRank));
    }

    private static Dictionary<string, Tensor> Train(VisualPredictiveTrainingOptions options)
    {
        using MetaMorphModel model = Start(options);
        using var trainer = new VisualPredictiveTrainer(model, options);
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(20)));
        Dictionary<string, Tensor> weights = ToyTask.Weights(model);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.Language.Adapter!.NamedParameters()) weights[name] = parameter.detach().clone();
        return weights;
    }

    private static void AssertOutOfRange(LowRankOptions options, string message)
        => TensorAssert.Throws<ArgumentOutOfRangeException>(() => (Options with { LowRank = options }).Validate(), message);

    private static void AssertRefused(LowRankOptions options, string message)
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        Assert.AreEqual(message, Assert.ThrowsExactly<InvalidDataException>(() => new VisualPredictiveTrainer(model, Options with { LowRank = options })).Message);
    }
}
