using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class VisualizerModelTests
{
    [TestMethod]
    public void PixelsComeBackExactly()
    {
        using var scope = NewDisposeScope();
        foreach (int factor in new[] { 1, 2, 4 })
        {
            IPictureCodec codec = new PixelUnshuffleCodec(factor);
            Tensor pictures = randn(2, 3, 8, 16), samples = codec.Encode(pictures);
            CollectionAssert.AreEqual(new long[] { 2, 3 * factor * factor, 8 / factor, 16 / factor }, samples.shape);
            TensorAssert.AreClose(pictures, codec.Decode(samples), 0, $"factor {factor}");
        }
    }

    [TestMethod]
    public void PredictionsDependOnTheTokensThroughTheGridAndThroughAttention()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var model = new VisualizerModel(TinyDiffusion.Pixels, TinyDiffusion.Fresh());
        Tensor samples = randn(2, 48, 16, 16), timesteps = tensor(new[] { 200f });
        DiffusionConditioning told = model.Condition(randn(2, 16, 12)), nothing = told.Zeros();
        Tensor all = model.Predict(samples, timesteps, told);
        CollectionAssert.AreEqual(samples.shape, all.shape);
        foreach (DiffusionConditioning half in new[] { told with { Grid = nothing.Grid }, told with { Context = nothing.Context } })
            Assert.IsTrue((all - model.Predict(samples, timesteps, half)).abs().max().item<float>() > 1e-4f, "each way says something");
        Tensor joined = model.Predict(cat([samples, samples], 0), timesteps, nothing.Concat(told));
        TensorAssert.AreClose(all, joined.narrow(0, 2, 2), 2e-5, "guided and unguided in one batch");
        TensorAssert.AreClose(all.narrow(0, 1, 1), model.Predict(samples.narrow(0, 1, 1), timesteps, told.Slice(1, 1)), 2e-5, "one row alone");
        foreach ((int height, int width) in new[] { (5, 7), (16, 24) })
            CollectionAssert.AreEqual(new long[] { 1, 48, height, width }, model.Predict(randn(1, 48, height, width), timesteps, told.Slice(0, 1)).shape, "any size");
    }

    [TestMethod]
    public void AnAutoencoderOfOtherChannelsIsRefused()
    {
        foreach ((int taken, int given) in new[] { (1, 3), (3, 4) })
        {
            VisualizerConfig config = TinyDiffusion.Latent with { Autoencoder = TinyDiffusion.Autoencoder with { InputChannels = taken, OutputChannels = given } };
            Assert.AreEqual(
                $"The autoencoder (vae) takes {taken} channels (in_channels) and gives {given} (out_channels); pictures have 3.",
                Assert.ThrowsExactly<InvalidDataException>(config.Validate).Message);
        }
    }

    [TestMethod]
    public void CodecsAgreeWithTheConfig()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        foreach (VisualizerConfig config in new[] { TinyDiffusion.Latent, TinyDiffusion.Pixels })
        {
            using var model = new VisualizerModel(config, TinyDiffusion.Fresh());
            IPictureCodec codec = model.Codec();
            Tensor samples = codec.Encode(randn(1, 3, 32, 16));
            CollectionAssert.AreEqual(new long[] { 1, model.Channels, 32 / codec.Scale, 16 / codec.Scale }, samples.shape);
            TensorAssert.AreClose(codec.Decode(samples), model.Codec(tiled: true).Decode(samples), 2e-5, "tiled");
            Assert.AreEqual((16, 16), model.SampleSize);
            Assert.IsGreaterThan(0, model.RowBytes(16, 16));
            Assert.IsGreaterThan(0, codec.RowBytes(64, 64));
        }
    }

    [TestMethod]
    public void CallsLeaveNothingBehind()
    {
        using var mode = no_grad();
        using var model = new VisualizerModel(TinyDiffusion.Pixels, TinyDiffusion.Fresh());
        using Tensor samples = randn(1, 48, 8, 8), timesteps = tensor(new[] { 5f }), tokens = randn(1, 16, 12);
        Call();
        long before = LiveTensors.OfThisThread;
        for (int i = 0; i < 3; i++) Call();
        Assert.AreEqual(before, LiveTensors.OfThisThread, "live tensors");

        void Call()
        {
            DiffusionConditioning condition = model.Condition(tokens);
            model.Predict(samples, timesteps, condition).Dispose();
            condition.Context.Dispose();
            condition.Grid!.Dispose();
        }
    }

    [TestMethod]
    public void PartsThatDoNotFitAreRefusedByBothNumbers()
    {
        VisualizerConfig latent = TinyDiffusion.Latent, pixels = TinyDiffusion.Pixels;
        TensorAssert.Throws<InvalidDataException>((latent with { Adapter = latent.Adapter with { OutputWidth = 24 } }).Validate, "output_dim", "24", "cross_attention_dim", "20");
        TensorAssert.Throws<InvalidDataException>((pixels with { PixelUnshuffle = 2 }).Validate, "54", "in_channels", "12", "6");
        TensorAssert.Throws<InvalidDataException>((latent with { UNet = latent.UNet with { OutputChannels = 8 } }).Validate, "out_channels", "8", "4");
        TensorAssert.Throws<InvalidDataException>((latent with { Autoencoder = null }).Validate, "neither");
        TensorAssert.Throws<InvalidDataException>((latent with { PixelUnshuffle = 4 }).Validate, "not both");
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(pixels, TinyDiffusion.Fresh());
        DiffusionConditioning condition = model.Condition(randn(1, 16, 12));
        TensorAssert.Throws<ArgumentException>(() => model.Predict(randn(1, 12, 8, 8), tensor(1f), condition), "[batch, 48, height, width]", "[1, 12, 8, 8]");
        TensorAssert.Throws<ArgumentException>(() => model.Predict(randn(2, 48, 8, 8), tensor(1f), condition), "2 pictures", "conditioning of 1");
        TensorAssert.Throws<ArgumentException>(() => model.Codec().Encode(randn(1, 3, 30, 32)), "32×30", "multiples of 4");
    }
}
