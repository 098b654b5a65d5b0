namespace FineTune.Tests;

[TestClass]
public sealed class CaptionTests
{
    [TestMethod]
    public void WhatIsSaidInItsTurnIsThePicturesCaption()
    {
        using var data = new TinyData();
        string rows = data.Write("captions.jsonl",
        [
            new
            {
                conversations = new[]
                {
                    new { from = "human", value = "<image>\nWhich colour?" },
                    new { from = "gpt", value = "red" },
                    new { from = "human", value = "Draw it green." },
                    new { from = "gpt", value = "Here: <image>" },
                },
                image = new[] { "red.png", "green.png" },
            },
            TinyData.Row("<image>\nWhich colour?", "red", "red"),       // said before
            TinyData.Row("<image>", "<image>", "red", "blue"),          // nothing is said
        ]);
        string[] captions = [.. CaptionedPicture.Of(new TrainingRows(new Microsoft.ML.MLContext(), rows, data.Images)).Select(picture => $"{Path.GetFileName(picture.Image)}: {picture.Caption}")];
        CollectionAssert.AreEqual(new[] { "red.png: Which colour? red", "green.png: Draw it green. Here:" }, captions);
    }
}
