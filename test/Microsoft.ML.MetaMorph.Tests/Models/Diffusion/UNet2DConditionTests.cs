using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class UNet2DConditionTests
{
    private const double Tolerance = 2e-5;

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ABatchOfPicturesIsEachPictureAlone(bool gradients)
    {
        using var scope = NewDisposeScope();
        using var mode = set_grad_enabled(gradients);
        foreach (UNet2DConditionConfig config in Variants())
        {
            using var model = new UNet2DConditionModel(config, TinyDiffusion.Fresh());
            Tensor sample = randn(3, 4, 9, 14), timesteps = tensor(new[] { 3f, 517.5f, 999f }), condition = randn(3, 5, config.CrossAttentionWidth);
            Tensor all = model.Forward(sample, timesteps, condition);
            CollectionAssert.AreEqual(sample.shape, all.shape);
            for (int i = 0; i < 3; i++)
                TensorAssert.AreClose(all.narrow(0, i, 1), model.Forward(sample.narrow(0, i, 1), timesteps[i], condition.narrow(0, i, 1)), Tolerance, $"picture {i}");
        }
    }

    [TestMethod]
    public void TheFastPathsGiveWhatThePlainOnesGive()
    {
        using var scope = NewDisposeScope();
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        Tensor sample = randn(2, 4, 16, 16), timesteps = tensor(new[] { 1f, 40f }), condition = randn(2, 7, 20);
        Tensor expected = model.Forward(sample, timesteps, condition);
        using var mode = no_grad();
        TensorAssert.AreClose(expected, model.Forward(sample, timesteps, condition), Tolerance, "without gradients");
        Tensor strided = sample.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        TensorAssert.AreClose(expected, model.Forward(strided, timesteps, condition), Tolerance, "channels last");
        bool enabled = AtenDispatcher.IsEnabled;
        try
        {
            AtenDispatcher.IsEnabled = false;
            TensorAssert.AreClose(expected, model.Forward(sample, timesteps, condition), Tolerance, "without the dispatcher");
        }
        finally
        {
            AtenDispatcher.IsEnabled = enabled;
        }
    }

    [TestMethod]
    public void InPlaceStepsLeaveTheArgumentsAlone()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet with { CenterInputSample = true }, TinyDiffusion.Fresh());
        Tensor sample = ChannelsLast.Of(randn(1, 4, 8, 8)), timesteps = tensor(new[] { 5f }), condition = randn(1, 3, 20);
        Tensor[] before = [sample.clone(), timesteps.clone(), condition.clone()];
        model.Forward(sample, timesteps, condition);
        TensorAssert.AreIdentical(before[0], sample, "sample");
        TensorAssert.AreIdentical(before[1], timesteps, "timesteps");
        TensorAssert.AreIdentical(before[2], condition, "condition");
    }

    [TestMethod]
    public void StepsRecomputedOneByOneGiveThePredictionAndItsGradients()
    {
        using var scope = NewDisposeScope();
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        Tensor sample = randn(1, 4, 10, 6), condition = randn(1, 3, 20), timesteps = tensor(new[] { 30f });
        Tensor time = model.Time(timesteps, 1), hidden = model.Enter(sample);
        var skips = new Stack<Tensor>([hidden]);
        foreach (UNetStep step in model.Steps)
        {
            Tensor? skip = step.TakesSkip ? skips.Pop() : null;
            hidden = step.Forward(hidden, skip, time, condition, UNet2DConditionModel.SizeOf(skips));
            if (step.LeavesSkip) skips.Push(hidden);
        }
        Assert.IsEmpty(skips, "every picture left on the way down is taken on the way up");
        TensorAssert.AreClose(model.Forward(sample, timesteps, condition), model.Leave(hidden), 1e-6, "prediction");
        model.Leave(hidden).sum().backward();
        Assert.IsTrue(model.parameters().All(p => p.grad is not null), "every parameter takes part");
    }

    [TestMethod]
    public void CallsLeaveNothingBehind()
    {
        using var mode = no_grad();
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        using Tensor sample = randn(1, 4, 8, 8), timesteps = tensor(new[] { 5f }), condition = randn(1, 3, 20);
        model.Forward(sample, timesteps, condition).Dispose();
        long before = LiveTensors.OfThisThread;
        for (int i = 0; i < 5; i++) model.Forward(sample, timesteps, condition).Dispose();
        Assert.AreEqual(before, LiveTensors.OfThisThread, "live tensors");
    }

    [TestMethod]
    public void StoredInHalfPrecisionItGivesNearlyTheSame()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        using var half = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh(type: ScalarType.Float16));
        Tensor sample = randn(1, 4, 8, 8), timesteps = tensor(new[] { 5f }), condition = randn(1, 3, 20);
        Tensor actual = half.Forward(sample, timesteps, condition);
        Assert.AreEqual(ScalarType.Float32, actual.dtype);
        TensorAssert.AreClose(model.Forward(sample, timesteps, condition), actual, 5e-3, "half precision");
    }

    [TestMethod]
    public void EveryTensorLiesOnTheDeviceOfTheParameters()
    {
        foreach (VisualizerConfig config in new[] { TinyDiffusion.Latent, TinyDiffusion.Pixels })
        {
            using var model = new VisualizerModel(config, new MetaParameters());
            Assert.IsFalse(model.named_buffers().Any(), "buffers");
            foreach ((string name, var parameter) in model.named_parameters()) Assert.AreEqual(TorchSharp.DeviceType.META, parameter.device_type, name);
            CollectionAssert.AreEquivalent(model.named_parameters().Select(p => p.name).ToArray(), model.state_dict().Keys.ToArray(), "stored names");
        }
    }

    [TestMethod]
    public void ThePublishedModelIsTheManifests()
    {
        using var model = new UNet2DConditionModel(UNet2DConditionConfig.StableDiffusion15, new MetaParameters());
        Assert.AreEqual(859_520_964, model.parameters().Sum(p => p.numel()));
        Assert.AreEqual(8, model.Config.Downscale);
    }

    [TestMethod]
    public void ShapesThatDoNotFitAreRefusedByNumber()
    {
        using var scope = NewDisposeScope();
        using var model = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        Tensor sample = randn(2, 4, 8, 8), timesteps = tensor(new[] { 5f, 6f }), condition = randn(2, 3, 20);
        TensorAssert.Throws<ArgumentException>(() => model.Forward(randn(2, 5, 8, 8), timesteps, condition), "[batch, 4, height, width]", "[2, 5, 8, 8]");
        TensorAssert.Throws<ArgumentException>(() => model.Forward(sample, tensor(new[] { 5f, 6f, 7f }), condition), "2 pictures", "[3]");
        TensorAssert.Throws<ArgumentException>(() => model.Forward(sample, timesteps, randn(2, 3, 24)), "width 20", "cross_attention_dim", "[2, 3, 24]");
        TensorAssert.Throws<ArgumentException>(() => model.Forward(sample, timesteps, randn(1, 3, 20)), "2 pictures", "[1, 3, 20]");
        TensorAssert.Throws<ArgumentException>(() => model.Forward(sample, timesteps, empty(2, 0, 20)), "at least one vector");
    }

    [TestMethod]
    public void ConfigsComeBackAsTheyWereWritten()
    {
        foreach (UNet2DConditionConfig config in Variants().Append(UNet2DConditionConfig.StableDiffusion15))
        {
            JsonElement written = JsonFile.Value(config.Write);
            Assert.AreEqual(written.GetRawText(), JsonFile.Value(UNet2DConditionConfig.FromJson(written).Write).GetRawText());
        }
    }

    [TestMethod]
    [DataRow("""{"dual_cross_attention": true}""", "dual_cross_attention")]
    [DataRow("""{"class_embed_type": "timestep"}""", "class_embed_type")]
    [DataRow("""{"addition_embed_type": "text_time"}""", "addition_embed_type")]
    [DataRow("""{"time_embedding_type": "fourier"}""", "time_embedding_type")]
    [DataRow("""{"resnet_time_scale_shift": "ada_group"}""", "ada_group")]
    [DataRow("""{"down_block_types": ["AttnDownBlock2D"], "block_out_channels": [32]}""", "AttnDownBlock2D")]
    [DataRow("""{"mid_block_type": "UNetMidBlock2DSimpleCrossAttn"}""", "UNetMidBlock2DSimpleCrossAttn")]
    [DataRow("""{"cross_attention_dim": [768, 768, 768, 1024]}""", "cross_attention_dim")]
    [DataRow("""{"a_new_option": 3}""", "a_new_option")]
    [DataRow("""{"act_fn": "snake"}""", "snake")]
    public void OptionsThatWouldChangeTheResultAreRefusedByName(string json, string name) => TensorAssert.Throws<NotSupportedException>(() => Parse(json), name);

    [TestMethod]
    [DataRow("""{"_class_name": "UNet2DModel"}""", "UNet2DModel")]
    [DataRow("""{"block_out_channels": [320, 640]}""", "down_block_types")]
    [DataRow("""{"attention_head_dim": [8, 8]}""", "attention_head_dim")]
    [DataRow("""{"attention_head_dim": 7}""", "attention_head_dim")]
    [DataRow("""{"norm_num_groups": 48}""", "norm_num_groups")]
    [DataRow("""{"in_channels": 0}""", "in_channels")]
    public void ValuesThatDoNotFitAreRefusedByName(string json, string name) => TensorAssert.Throws<InvalidDataException>(() => Parse(json), name);

    [TestMethod]
    public void OptionsWithoutEffectAndOriginsArePassedOver()
    {
        UNet2DConditionConfig config = Parse("""{"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "_name_or_path": "x", "class_embed_type": null, "addition_embed_type_num_heads": 64, "resnet_out_scale_factor": 1.0, "cross_attention_dim": 768}""");
        Assert.AreEqual(768, config.CrossAttentionWidth);
        CollectionAssert.AreEqual(new[] { 8, 8, 8, 8 }, config.AttentionHeads);
        Assert.IsNull(Parse("""{"mid_block_type": null}""").MidCrossAttention);
    }

    private static UNet2DConditionConfig Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return UNet2DConditionConfig.FromJson(document.RootElement);
    }

    private static IEnumerable<UNet2DConditionConfig> Variants()
    {
        UNet2DConditionConfig tiny = TinyDiffusion.UNet;
        yield return tiny;
        yield return tiny with { TimeScaleShift = true, UseLinearProjection = true, MidBlockScale = 1.5, OnlyCrossAttention = true, DownsamplePadding = 0 };
        yield return tiny with { MidCrossAttention = false, TimeEmbeddingWidth = 40, TimeEmbeddingActivation = "mish", TimestepPostActivation = "gelu", FlipSineToCosine = false, FrequencyShift = 1 };
        yield return tiny with { MidCrossAttention = null, ReverseTransformerLayers = [2, 1, 1], InputKernel = 1, OutputKernel = 5, Activation = "gelu", SampleSize = [16, 8] };
    }
}
