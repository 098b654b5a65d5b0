namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Whose fault numbers are that are not finite, by hand-made steps: rows of 3 logits and visual tokens of width 2.</summary>
[TestClass]
public sealed class FiniteNumbersTests
{
    [TestMethod]
    public void OrdinaryTokensAreToBlameWhereTheOtherRowsAreFinite()
    {
        GenerationRequestException failure = Assert.ThrowsExactly<GenerationRequestException>(() => Look([[0.5f, -2], []], broken: [0], position: 4));
        Assert.AreEqual((0, true), (failure.Request, failure.OfVisualTokens));
        Assert.AreEqual("has visual tokens whose largest value is 2, from which the model computes no finite numbers: the logits at position 5 of a response have Infinity at place 1 of 3. Encode its pictures anew; where rows of ordinary values fail as well, the weights of the model are broken.", failure.Problem);
    }

    [TestMethod]
    // A row without visual tokens gave nothing but ids, which were checked.
    [DataRow(new[] { 0, 1 }, "the first logits behind a prompt have Infinity at place 1 of 3 (the largest value of the prompt's visual tokens, which might be to blame as well, is 2)")]
    [DataRow(new[] { 1 }, "the first logits behind a prompt have Infinity at place 1 of 3")]
    public void TheWeightsAreToBlameElse(int[] broken, string message)
        => Assert.AreEqual(message, Assert.ThrowsExactly<NotFiniteNumberException>(() => Look([[0.5f, -2], []], broken, position: 0)).Message);

    [TestMethod]
    public void AbsurdTokensAreToBlameWhateverTheOthersDo()
        => Assert.AreEqual(1, Assert.ThrowsExactly<GenerationRequestException>(() => Look([[0.5f, -2], [0, -2e6f]], broken: [0, 1], position: 0)).Request);

    [TestMethod]
    public void FiniteRowsPass() => Look([[0.5f, -2e6f], []], broken: [], position: 0);

    private static void Look(float[][] tokens, int[] broken, int position)
    {
        DecodingRow[] rows = [.. tokens.Select((_, i) => new DecodingRow(i, vocabulary: 3, tokenWidth: 2))];
        foreach (int row in broken) rows[row].Logits[1] = float.PositiveInfinity;
        new FiniteNumbers([.. tokens.Select(values => new DecodingPrompt([1], values, 1, WantsVisual: false))]).Require(rows, _ => position);
    }
}
