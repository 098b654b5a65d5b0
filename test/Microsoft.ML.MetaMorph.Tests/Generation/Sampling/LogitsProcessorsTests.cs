namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The processors beside slow, obvious ones, at the lengths of real vocabularies.</summary>
[TestClass]
public sealed class LogitsProcessorsTests
{
    [TestMethod]
    [DataRow(3, 1), DataRow(17, 5), DataRow(1000, 50), DataRow(128_256, 40), DataRow(128_256, 3000)]
    public void TopKKeepsWhatSortingKeeps(int count, int k)
    {
        float[] logits = Random(count, rounded: true), expected = [.. logits];
        float threshold = logits.OrderDescending().ElementAt(k - 1);
        for (int i = 0; i < count; i++)
            if (expected[i] < threshold) expected[i] = float.NegativeInfinity;
        TopK.Apply(logits, k);
        CollectionAssert.AreEqual(expected, logits);
    }

    [TestMethod]
    [DataRow(3, 0.5), DataRow(70, 0.9), DataRow(1000, 0.3), DataRow(1000, 0.0), DataRow(50_000, 0.95), DataRow(50_000, 0.999)]
    public void TopPKeepsWhatSortingKeeps(int count, double p)
    {
        foreach (bool rounded in (bool[])[false, true])
        {
            float[] logits = Random(count, rounded);
            double max = logits.Max(), total = logits.Sum(l => Math.Exp(l - max)), removed = 0;
            int[] ascending = [.. Enumerable.Range(0, count).OrderBy(i => logits[i])];
            var stays = new HashSet<int>(ascending);
            foreach (int i in ascending[..^1])
            {
                removed += Math.Exp(logits[i] - max) / total;
                if (removed > 1 - p) break;
                stays.Remove(i);
            }
            TopP.Apply(logits, p);
            int kept = logits.Count(l => !float.IsNegativeInfinity(l));
            Assert.IsTrue(Math.Abs(kept - stays.Count) <= count / 10_000, $"{kept} kept, {stays.Count} expected");    // single rounding at the edge
            Assert.IsTrue(ascending.Skip(count - Math.Min(kept, stays.Count)).Count(i => float.IsNegativeInfinity(logits[i])) <= 0 || rounded, "the likeliest stay");
            Assert.IsFalse(float.IsNegativeInfinity(logits[ascending[^1]]) && !rounded, "the likeliest of all stays");
        }
    }

    [TestMethod]
    public void PlaceholdersAreNeitherPenalisedNorPartOfAnNGram()
    {
        float[] logits = [1, 1, 1, 1];
        RepetitionPenalty.Apply(logits, [MetaMorphModel.ImagePlaceholder, 2, 99], 2);
        CollectionAssert.AreEqual(new float[] { 1, 1, 0.5f, 1 }, logits);
        RepeatedNGramBan.Apply(logits, [1, MetaMorphModel.ImagePlaceholder, 3, 1, MetaMorphModel.ImagePlaceholder], 2);
        Assert.IsFalse(logits.Any(float.IsNegativeInfinity), "an image equals no other image");
        RepeatedNGramBan.Apply(logits, [1, 3, 0, 1], 2);
        CollectionAssert.AreEqual(new float[] { 1, 1, 0.5f, float.NegativeInfinity }, logits);
    }

    /// <summary>Logits divided by such numbers are infinite, and their differences are none.</summary>
    [TestMethod]
    [DataRow(0f), DataRow(float.Epsilon), DataRow(1e-42f), DataRow(1.2e-38f), DataRow(1e-31f), DataRow(1.001e-30f)]
    public void ATinyTemperatureIsGreedy(float temperature)
    {
        for (int seed = 0; seed < 5; seed++) Assert.AreEqual(1, new TokenSampler(new GenerationOptions { Temperature = temperature, TopK = 3 }, seed).Next([1, 3, 2, -80, 2.9f], []));
    }

    [TestMethod]
    public void DrawsFollowTheProbabilities()
    {
        var options = new GenerationOptions { Temperature = 1 };
        var sampler = new TokenSampler(options, 7);
        double[] wanted = [0.1, 0.2, 0.7];
        int[] counts = new int[4];
        const int Draws = 20_000;
        for (int i = 0; i < Draws; i++) counts[sampler.Next([MathF.Log(0.1f), MathF.Log(0.2f), float.NegativeInfinity, MathF.Log(0.7f)], [])]++;
        Assert.AreEqual(0, counts[2], "what is banned is never drawn");
        Assert.AreEqual(wanted[0], counts[0] / (double)Draws, 0.01);
        Assert.AreEqual(wanted[1], counts[1] / (double)Draws, 0.015);
        Assert.AreEqual(wanted[2], counts[3] / (double)Draws, 0.015);
    }

    [TestMethod]
    public void NothingIsChosenWhereEverythingIsBanned()
    {
        foreach (float temperature in (float[])[0, 1])
            Assert.AreEqual(TokenSampler.Nothing, new TokenSampler(new GenerationOptions { Temperature = temperature, NoRepeatNGramSize = 1 }, 0).Next([1, 2], [0, 1]));
    }

    [TestMethod]
    public void GreedyTakesTheFirstOfEquals() => Assert.AreEqual(1, TokenSampler.Largest([1, 5, 5, 2, 5, 0, 0, 0, 0, 5]));

    private static float[] Random(int count, bool rounded)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 12)).Select(x => rounded ? MathF.Round(x * 8) / 8 : x)];
    }
}
