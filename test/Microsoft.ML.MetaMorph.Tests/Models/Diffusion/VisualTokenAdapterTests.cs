using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class VisualTokenAdapterTests
{
    private static readonly string[] Modes = [VisualTokenAdapterConfig.Mlp, VisualTokenAdapterConfig.CrossAttention, VisualTokenAdapterConfig.CrossAttentionFeedForward];

    [TestMethod]
    public void ABatchIsEachPictureAlone()
    {
        using var scope = NewDisposeScope();
        foreach (string mode in Modes)
        {
            using var adapter = new VisualTokenAdapter(TinyDiffusion.Adapter with { Mode = mode, Layers = 3 }, TinyDiffusion.Fresh());
            Tensor tokens = randn(3, 16, 12), all = adapter.Forward(tokens);
            CollectionAssert.AreEqual(new long[] { 3, 16, 20 }, all.shape, mode);
            for (int i = 0; i < 3; i++) TensorAssert.AreClose(all.narrow(0, i, 1), adapter.Forward(tokens.narrow(0, i, 1)), 1e-5, $"{mode}, picture {i}");
        }
    }

    [TestMethod]
    public void FewerVectorsAreFollowedByZeros()
    {
        using var scope = NewDisposeScope();
        using var adapter = new VisualTokenAdapter(TinyDiffusion.Adapter, TinyDiffusion.Fresh());
        Tensor tokens = randn(2, 16, 12);
        DiffusionConditioning condition = adapter.Condition(tokens);
        CollectionAssert.AreEqual(new long[] { 2, 77, 20 }, condition.Context.shape);
        Assert.IsNull(condition.Grid);
        TensorAssert.AreClose(adapter.Forward(tokens), condition.Context.narrow(1, 0, 16), 0, "vectors");
        Assert.AreEqual(0f, condition.Context.narrow(1, 16, 61).abs().max().item<float>(), "padding");
    }

    [TestMethod]
    public void TheGridKeepsPlaces()
    {
        using var scope = NewDisposeScope();
        using var adapter = new VisualTokenAdapter(TinyDiffusion.Adapter with { GridChannels = 5, TokenPositions = true }, TinyDiffusion.Fresh());
        Tensor tokens = randn(1, 16, 12), changed = tokens.clone();
        changed.select(1, 6).add_(1);          // row 1, column 2 of 4 × 4
        Tensor difference = (adapter.Condition(changed).Grid! - adapter.Condition(tokens).Grid!).abs().sum(1)[0];
        CollectionAssert.AreEqual(new long[] { 4, 4 }, difference.shape);
        for (int row = 0; row < 4; row++)
        {
            for (int column = 0; column < 4; column++) Assert.AreEqual((row, column) == (1, 2), difference[row, column].item<float>() > 0, $"row {row}, column {column}");
        }
        Tensor same = adapter.Forward(ones(1, 16, 12));
        Assert.IsTrue((same.select(1, 0) - same.select(1, 1)).abs().max().item<float>() > 0, "equal tokens at different places are told apart");
    }

    [TestMethod]
    public void ATokenBecomesASquareOfPlaces()
    {
        using var scope = NewDisposeScope();
        using var plain = new VisualTokenAdapter(TinyDiffusion.Adapter with { GridChannels = 2 * 9 }, TinyDiffusion.Fresh());
        using var adapter = new VisualTokenAdapter(TinyDiffusion.Adapter with { GridChannels = 2, GridScale = 3 }, TinyDiffusion.Fresh());
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in adapter.named_parameters())
        {
            using var mode = no_grad();
            parameter.copy_(plain.get_parameter(name)!);
        }
        Tensor tokens = randn(2, 16, 12), whole = plain.Condition(tokens).Grid!, spread = adapter.Condition(tokens).Grid!;
        CollectionAssert.AreEqual(new long[] { 2, 2, 12, 12 }, spread.shape);
        // Channel c of place (y, x) in the square of a token is the token's channel 9c + 3y + x, as torch's pixel_shuffle says.
        for (int channel = 0; channel < 2; channel++)
            for (int y = 0; y < 12; y++)
                for (int x = 0; x < 12; x++)
                    Assert.AreEqual(whole[1, 9 * channel + 3 * (y % 3) + x % 3, y / 3, x / 3].item<float>(), spread[1, channel, y, x].item<float>(), $"channel {channel}, row {y}, column {x}");
    }

    [TestMethod]
    public void DroppedPicturesAreToldNothing()
    {
        using var scope = NewDisposeScope();
        using var adapter = new VisualTokenAdapter(TinyDiffusion.Pixels.Adapter, TinyDiffusion.Fresh());
        DiffusionConditioning condition = adapter.Condition(randn(3, 16, 12)), masked = condition.Masked(tensor(new[] { 1f, 0f, 1f })), zeros = condition.Zeros();
        foreach ((Tensor kept, Tensor dropped, Tensor nothing) in new[] { (condition.Context, masked.Context, zeros.Context), (condition.Grid!, masked.Grid!, zeros.Grid!) })
        {
            TensorAssert.AreClose(kept[0], dropped[0], 0, "kept");
            TensorAssert.AreClose(nothing[1], dropped[1], 0, "dropped");
            TensorAssert.AreClose(kept[2], dropped[2], 0, "kept");
        }
    }

    [TestMethod]
    public void GradientsReachEveryParameter()
    {
        using var scope = NewDisposeScope();
        foreach (VisualTokenAdapterConfig config in Modes.Select(mode => TinyDiffusion.Adapter with { Mode = mode }).Append(TinyDiffusion.Pixels.Adapter))
        {
            using var adapter = new VisualTokenAdapter(config, TinyDiffusion.Fresh());
            DiffusionConditioning condition = adapter.Condition(randn(2, 16, 12));
            Tensor loss = condition.Context.square().sum();
            if (condition.Grid is not null) loss = loss + condition.Grid.square().sum();
            loss.backward();
            Assert.IsTrue(adapter.parameters().All(p => p.grad is not null), config.Mode);
        }
    }

    [TestMethod]
    public void TokensThatDoNotFitAreRefusedByNumber()
    {
        using var scope = NewDisposeScope();
        using var adapter = new VisualTokenAdapter(TinyDiffusion.Adapter, TinyDiffusion.Fresh());
        TensorAssert.Throws<ArgumentException>(() => adapter.Condition(randn(1, 16, 13)), "width 12", "[1, 16, 13]");
        TensorAssert.Throws<ArgumentException>(() => adapter.Condition(randn(1, 9, 12)), "16 visual tokens", "[1, 9, 12]");
        TensorAssert.Throws<ArgumentException>(() => adapter.Condition(randn(16, 12)), "[pictures, 16, 12]", "[16, 12]");
        using var anyNumber = new VisualTokenAdapter(TinyDiffusion.Adapter with { Mode = VisualTokenAdapterConfig.CrossAttention }, TinyDiffusion.Fresh());
        Assert.AreEqual(16, anyNumber.Forward(randn(1, 40, 12)).size(1), "queries look at any number of tokens");
    }

    /// <summary>In mode mlp the padded length in num_tokens says that there are no more; queries look at any number.</summary>
    [TestMethod]
    public void ThePaddedLengthIsTheMostOfTokens()
    {
        using var scope = NewDisposeScope();
        using var padded = new VisualTokenAdapter(TinyDiffusion.Adapter with { TokenCount = 77 }, TinyDiffusion.Fresh());
        foreach (int count in new[] { 1, 64, 77 }) CollectionAssert.AreEqual(new long[] { 1, 77, 20 }, padded.Condition(randn(1, count, 12)).Context.shape, $"{count} tokens");
        Assert.AreEqual(
            "The visualizer takes at most 77 visual tokens a picture (num_tokens); [1, 100, 12] was given. Encode pictures to that number; the adapter of another number tells it in its configuration. (Parameter 'tokens')",
            Assert.ThrowsExactly<ArgumentException>(() => padded.Condition(randn(1, 100, 12))).Message);
        using var told = new VisualTokenAdapter(TinyDiffusion.Adapter with { TokenCount = 100 }, TinyDiffusion.Fresh());
        CollectionAssert.AreEqual(new long[] { 1, 100, 20 }, told.Condition(randn(1, 100, 12)).Context.shape);
        Assert.Throws<ArgumentException>(() => told.Condition(randn(1, 99, 12)));
        (VisualTokenAdapterConfig Config, string Words)[] all =
        [
            (TinyDiffusion.Adapter, "16"), (padded.Config, "at most 77"), (TinyDiffusion.Adapter with { Mode = VisualTokenAdapterConfig.CrossAttention, TokenCount = 77 }, "any number of"),
            (TinyDiffusion.Adapter with { TokenCount = 77, TokenPositions = true }, "77"),
        ];
        foreach ((VisualTokenAdapterConfig config, string words) in all) Assert.AreEqual(words, config.TokensInWords);
    }

    [TestMethod]
    public void ConfigsComeBackAsTheyWereWritten()
    {
        foreach (VisualTokenAdapterConfig config in new[] { new(), TinyDiffusion.Adapter with { Mode = VisualTokenAdapterConfig.CrossAttention }, TinyDiffusion.Pixels.Adapter })
        {
            JsonElement written = JsonFile.Value(config.Write);
            Assert.AreEqual(config, VisualTokenAdapterConfig.FromJson(written));
        }
        CollectionAssert.AreEqual(new[] { "input_dim", "hidden_dim", "output_dim", "num_tokens", "num_layers", "num_heads", "mode" }, JsonFile.Value(new VisualTokenAdapterConfig().Write).EnumerateObject().Select(p => p.Name).ToArray(), "published adapters have the published entries only");
    }

    [TestMethod]
    [DataRow("""{"mode": "transformer"}""", "transformer")]
    [DataRow("""{"dropout": 0.1}""", "dropout")]
    public void UnknownOptionsAreRefusedByName(string json, string name)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        TensorAssert.Throws<NotSupportedException>(() => VisualTokenAdapterConfig.FromJson(document.RootElement), name);
    }

    [TestMethod]
    [DataRow("""{"grid_channels": 8, "num_tokens": 15}""", "square")]
    [DataRow("""{"grid_channels": 8, "num_tokens": 16, "mode": "xattn"}""", "grid_channels")]
    [DataRow("""{"mode": "xattn", "num_heads": 5}""", "num_heads")]
    [DataRow("""{"num_layers": 0}""", "num_layers")]
    public void ValuesThatDoNotFitAreRefusedByName(string json, string name)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        TensorAssert.Throws<InvalidDataException>(() => VisualTokenAdapterConfig.FromJson(document.RootElement), name);
    }
}
