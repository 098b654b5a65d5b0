using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class CaptionDecoderTests
{
    private static readonly CaptionTokens Tokens = new(9, End: 7, Pad: 8);

    private static readonly CaptionDecoderConfig Config = new()
    {
        HiddenSize = 24,
        IntermediateSize = 32,
        HiddenLayers = 2,
        AttentionHeads = 2,
        VocabularySize = 9,
        MaxTextLength = 4,
        VisualTokenCount = 4,
        VisualTokenWidth = 16,
    };

    [TestMethod]
    public void ABatchOfCaptionsIsEachCaptionAlone()
    {
        using var scope = NewDisposeScope();
        CaptionDecoder decoder = NewDecoder();
        int[][] captions = [[1, 2, 3], [4], [], [5, 6, 1, 2]];
        Tensor visual = SiglipModel.Unit(randn(4, 4, 16));
        using CaptionBatch all = Prepare(captions);
        Tensor logits = decoder.Logits(visual, all);
        double sum = 0;
        long next = 0;
        for (int row = 0; row < captions.Length; row++)
        {
            using CaptionBatch own = Prepare([captions[row]]);
            int count = all.Counts[row];
            Assert.AreEqual(captions[row].Length + 1, count);
            Tensor alone = decoder.Logits(visual.narrow(0, row, 1), own);
            Assert.IsTrue((alone - logits.narrow(0, next, count)).abs().max().item<float>() < 2e-5f, $"logits of caption {row}");
            sum += decoder.Loss(visual.narrow(0, row, 1), own).item<float>() * count;
            next += count;
        }
        Assert.AreEqual(sum / next, decoder.Loss(visual, all).item<float>(), 1e-5, "loss weighted by tokens");
    }

    [TestMethod]
    public void ATokenDoesNotSeeThoseAfterIt()
    {
        using var scope = NewDisposeScope();
        CaptionDecoder decoder = NewDecoder();
        Tensor visual = SiglipModel.Unit(randn(1, 4, 16));
        using CaptionBatch one = Prepare([[1, 2, 3]]), other = Prepare([[1, 2, 6]]);
        Tensor difference = (decoder.Logits(visual, one) - decoder.Logits(visual, other)).abs().amax([1]);
        Assert.AreEqual(0f, difference.narrow(0, 0, 3).max().item<float>(), "up to the token that differs");
        Assert.AreNotEqual(0f, difference[3].item<float>(), "behind it");
    }

    [TestMethod]
    public void ALongCaptionIsCutAndHasNoEnd()
    {
        using CaptionBatch batch = Prepare([[1, 2, 3, 4, 5, 6], [1]]);
        Assert.AreEqual(4, batch.Length);
        CollectionAssert.AreEqual(new[] { 4, 2 }, batch.Counts);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4, 1, 7 }, batch.Targets.data<long>().ToArray());
        CollectionAssert.AreEqual(new long[] { 3, 4, 5, 6, 11, 12 }, batch.Positions.data<long>().ToArray());
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4, 1, 8, 8, 8 }, batch.Ids.data<long>().ToArray());
    }

    private static CaptionDecoder NewDecoder() => new(Config, new FreshParameters(CPU, new Generator(5, CPU)));

    private static CaptionBatch Prepare(int[][] captions) => new(captions, Tokens, Config.VisualTokenCount, Config.MaxTextLength, CPU);
}
