namespace FineTune.Tests;

/// <summary>Kinds of rows and marks, by hand.</summary>
[TestClass]
public sealed class KindScoreTests
{
    [TestMethod]
    [DataRow(new[] { "Say yes." }, new[] { "yes" }, "TextOnly")]
    [DataRow(new[] { "<image>Which?" }, new[] { "red" }, "ImageQuestion")]
    [DataRow(new[] { "Draw." }, new[] { "Here: <image>" }, "TextToImage")]
    [DataRow(new[] { "<image>Make it red." }, new[] { "<image>" }, "ImageToImage")]
    [DataRow(new[] { "Draw.", "What did you draw?" }, new[] { "<image>", "a cat" }, "ImageQuestion")]
    public void KindsAreToldByMarks(string[] prompts, string[] responses, string kind) => Assert.AreEqual(kind, RowKinds.Of(prompts, responses).ToString());

    [TestMethod]
    public void AnswersAreMarked()
    {
        var score = new KindScore();
        // Two tokens of width two a picture. The prompt's picture comes first; the cosines of the answer's are 1 and 0.6.
        score.Add(Row("<image>", "<image> ", [9, 9, 9, 9, 1, 0, 0, 2], [5, 0, 4, 3]), pictureLength: 4, tokens: 2);
        score.Add(Row("<image>", "no picture", [9, 9, 9, 9, 1, 0, 0, 1], []), pictureLength: 4, tokens: 2);
        score.Add(new Answered { Prompt = ["?"], Response = ["<image>"], VisualTokens = [0, 1, 0, -1], Error = "too long" }, pictureLength: 4, tokens: 2);
        Assert.AreEqual((3, 1, 1, 3, 1), (score.Rows, score.Exact, score.Failed, score.Pictures, score.PicturesPredicted));
        Assert.AreEqual(0.8, score.MeanCosine!.Value, 1e-12);
        // The second picture is as the first, the third has a token across and one against it.
        Assert.AreEqual((1 + (0 - 1) / 2.0) / 2, score.CosineOfOthers!.Value, 1e-12);
        Assert.AreEqual(1 / 3.0, score.ExactShare, 1e-12);
    }

    private static Answered Row(string response, string predicted, float[] truth, float[] tokens)
        => new() { Prompt = ["<image>Make it red."], Response = [response], PredictedResponse = predicted, VisualTokens = truth, ResponseVisualTokens = tokens };
}
