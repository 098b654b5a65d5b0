using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class AutoencoderKLTests
{
    [TestMethod]
    public void TiledIsWhole()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        foreach ((int height, int width) in new[] { (8, 8), (5, 9), (1, 3) })
        {
            Tensor latents = randn(2, 4, height, width), whole = model.Decode(latents);
            CollectionAssert.AreEqual(new long[] { 2, 3, 4 * height, 4 * width }, whole.shape);
            TensorAssert.AreClose(whole, model.Decode(latents, tiled: true), 2e-5, "decided by size");
            foreach (int strips in new[] { 1, 2, 3, 100 }) TensorAssert.AreClose(whole, model.Decode(latents, tiled: true, strips), 2e-5, $"{height}×{width} in {strips} strips");
        }
    }

    [TestMethod]
    public void AChannelFarFromZeroLosesNothingInStrips()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        foreach ((string name, var parameter) in model.named_parameters().Where(p => p.name.EndsWith("conv1.bias", StringComparison.Ordinal))) parameter.add_(10);
        // Both ways round a mean of 10 away in float32; how much of it shows depends on the latents, so they are the same in every run.
        Tensor latents = randn([1, 4, 6, 6], generator: new Generator(1));
        TensorAssert.AreClose(model.Decode(latents), model.Decode(latents, tiled: true, 4), 1e-3, "strips");
    }

    [TestMethod]
    public void ABatchOfPicturesIsEachPictureAlone()
    {
        using var scope = NewDisposeScope();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        Tensor pixels = randn(3, 3, 24, 16);
        LatentDistribution all = model.Encode(pixels);
        Tensor decoded = model.Decode(all.Mean);
        CollectionAssert.AreEqual(new long[] { 3, 4, 6, 4 }, all.Mean.shape);
        for (int i = 0; i < 3; i++)
        {
            LatentDistribution one = model.Encode(pixels.narrow(0, i, 1));
            TensorAssert.AreClose(all.Mean.narrow(0, i, 1), one.Mean, 2e-5, "mean");
            TensorAssert.AreClose(all.LogVariance.narrow(0, i, 1), one.LogVariance, 2e-5, "variance");
            TensorAssert.AreClose(decoded.narrow(0, i, 1), model.Decode(one.Mean), 2e-5, "picture");
        }
    }

    [TestMethod]
    public void DrawsHaveTheMeanAndTheVarianceTheyAreSaidToHave()
    {
        using var scope = NewDisposeScope();
        Tensor mean = randn(1, 2, 3, 3), logVariance = randn(1, 2, 3, 3);
        LatentDistribution latents = LatentDistribution.FromMoments(cat([mean, logVariance], 1));
        TensorAssert.AreClose(mean, latents.Sample(zeros(1, 2, 3, 3)), 0, "mode");
        TensorAssert.AreClose(mean + (logVariance / 2).exp(), latents.Sample(ones(1, 2, 3, 3)), 1e-6, "one deviation");
        Tensor known = tensor(new[] { 0f, 0f, 1f, 0f, 0f, MathF.Log(4) }).view(3, 2, 1, 1);
        TensorAssert.AreClose(tensor(new[] { 0f, 0.5f, 0.5f * (3 - MathF.Log(4)) }), LatentDistribution.FromMoments(known).Divergence(), 1e-6, "divergence of known distributions");
        Assert.AreEqual(20f, LatentDistribution.FromMoments(full([1, 2, 1, 1], 99f)).LogVariance.item<float>(), "limit");
    }

    [TestMethod]
    public void ScalingIsUndoneExactly()
    {
        using var scope = NewDisposeScope();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder with { ShiftFactor = 0.3 }, TinyDiffusion.Fresh());
        Tensor latents = randn(1, 4, 3, 3);
        TensorAssert.AreClose((latents - 0.3f) * 0.18215f, model.Scale(latents), 1e-6, "scaled");
        TensorAssert.AreClose(latents, model.Unscale(model.Scale(latents)), 1e-5, "there and back");
    }

    [TestMethod]
    public void OldNamesOfAttentionAreRead()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        (string Name, string Old)[] names = [(".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")];
        string OldName(string name) => names.Aggregate(name, (n, pair) => n.Replace(pair.Name, pair.Old, StringComparison.Ordinal));
        SafeTensorsWriter.Write(folder["old.safetensors"], model.named_parameters().Select(p => KeyValuePair.Create<string, Tensor>(OldName(p.name), p.parameter)));
        using TensorArchive archive = CheckpointKeys.ForAutoencoder(TensorArchive.Open(folder["old.safetensors"]));
        var stored = new StoredParameters(archive, CPU);
        using var read = new AutoencoderKL(TinyDiffusion.Autoencoder, stored);
        stored.RefuseUnused();
        Tensor latents = randn(1, 4, 4, 4);
        TensorAssert.AreClose(model.Decode(latents), read.Decode(latents), 0, "picture");
    }

    [TestMethod]
    public void CallsLeaveNothingBehind()
    {
        using var mode = no_grad();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        using Tensor latents = randn(1, 4, 6, 6), pixels = randn(1, 3, 16, 16);
        Call();
        long before = LiveTensors.OfThisThread;
        for (int i = 0; i < 5; i++) Call();
        Assert.AreEqual(before, LiveTensors.OfThisThread, "live tensors");

        void Call()
        {
            model.Encode(pixels).Dispose();
            model.Decode(latents).Dispose();
            model.Decode(latents, tiled: true, 3).Dispose();
        }
    }

    [TestMethod]
    public void SizesThatDoNotFitAreRefusedByNumber()
    {
        using var scope = NewDisposeScope();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        TensorAssert.Throws<ArgumentException>(() => model.Encode(randn(1, 3, 30, 32)), "32×30", "multiples of 4");
        TensorAssert.Throws<ArgumentException>(() => model.Encode(randn(1, 4, 32, 32)), "[batch, 3, height, width]", "[1, 4, 32, 32]");
        TensorAssert.Throws<ArgumentException>(() => model.Decode(randn(1, 3, 8, 8)), "[batch, 4, height, width]", "[1, 3, 8, 8]");
    }

    [TestMethod]
    public void ConfigsComeBackAsTheyWereWritten()
    {
        foreach (AutoencoderKLConfig config in new[] { TinyDiffusion.Autoencoder, AutoencoderKLConfig.StableDiffusion15, TinyDiffusion.Autoencoder with { ShiftFactor = 0.1, QuantConvolution = false, PostQuantConvolution = false, MidAttention = false, SampleSize = [64, 32] } })
        {
            JsonElement written = JsonFile.Value(config.Write);
            Assert.AreEqual(written.GetRawText(), JsonFile.Value(AutoencoderKLConfig.FromJson(written).Write).GetRawText());
            using var model = new AutoencoderKL(config, new MetaParameters());
            Assert.AreEqual(config.QuantConvolution, model.state_dict().ContainsKey("quant_conv.weight"));
        }
    }

    [TestMethod]
    [DataRow("""{"latents_mean": [0.1]}""", "latents_mean")]
    [DataRow("""{"down_block_types": ["AttnDownEncoderBlock2D"]}""", "AttnDownEncoderBlock2D")]
    [DataRow("""{"another": 1}""", "another")]
    public void OptionsThatWouldChangeTheResultAreRefusedByName(string json, string name)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        TensorAssert.Throws<NotSupportedException>(() => AutoencoderKLConfig.FromJson(document.RootElement), name);
    }
}
