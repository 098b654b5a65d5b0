using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Answers that show a region of the picture first.</summary>
[TestClass]
public sealed class VisualThinkingTests : FolderTests
{
    [TestMethod]
    [DataRow(BoxUnit.Pixels, "[2, 1, 3, 2]")]
    [DataRow(BoxUnit.Fractions, "[0.25, 0.25, 0.375, 0.5]")]
    public void TheRegionIsCutOut(BoxUnit unit, string box)
    {
        InstructionRow row = Read(box, unit).Row!;
        Assert.AreEqual(("<image>\nWhat?", "<image>\nRed.", 1, "VisualThinking"), (row.Prompts.Single(), row.Responses.Single(), row.PromptImageCount, row.Kind));
        CollectionAssert.AreEqual(File.ReadAllBytes(Folder["a.png"]), row.Images[0].ReadBytes());
        RgbImage region = ImageDecoder.Decode(row.Images[1].ReadBytes(), "region");
        Assert.AreEqual((3, 2), (region.Width, region.Height));
        for (int y = 0; y < 2; y++)
        {
            for (int x = 0; x < 3; x++) CollectionAssert.AreEqual(new[] { (byte)(10 * (x + 2)), (byte)(20 * (y + 1)), (byte)7 }, region.Pixels[(((y * 3) + x) * 3)..(((y * 3) + x + 1) * 3)]);
        }
    }

    [TestMethod]
    public void ABoxBeyondThePictureIsToldWhenItIsAskedFor()
    {
        InstructionRow row = Read("[6, 0, 3, 4]", BoxUnit.Pixels).Row!;
        Assert.AreEqual($"{Folder["a.png"]}: the box reaches to (9, 4), but the picture has 8x4 pixels. Mend the box; it is left, top, width and height in Pixels.", Assert.ThrowsExactly<InvalidDataException>(() => row.Images[1].ReadBytes()).Message);
    }

    [TestMethod]
    [DataRow("[1, 2, 3]", BoxUnit.Pixels, "'box' is [1, 2, 3]; [left, top, width, height] in Pixels is needed, with width and height above 0.")]
    [DataRow("[1, 2, 0, 3]", BoxUnit.Pixels, "'box' is [1, 2, 0, 3]; [left, top, width, height] in Pixels is needed, with width and height above 0.")]
    [DataRow("[-1, 2, 2, 3]", BoxUnit.Pixels, "'box' is [-1, 2, 2, 3]; [left, top, width, height] in Pixels is needed, with width and height above 0.")]
    [DataRow("[1, 2, 1e999, 3]", BoxUnit.Pixels, "'box' is [1, 2, 1e999, 3]; [left, top, width, height] in Pixels is needed, with width and height above 0.")]
    [DataRow("[0.5, 0, 0.6, 1]", BoxUnit.Fractions, "'box' is [0.5, 0, 0.6, 1]; [left, top, width, height] in Fractions is needed, with width and height above 0 and nothing beyond 1.")]
    [DataRow("\"1 2 3 4\"", BoxUnit.Pixels, "'box' is \"1 2 3 4\"; [left, top, width, height] in Pixels is needed, with width and height above 0.")]
    public void BoxesThatCannotBeAreTold(string box, BoxUnit unit, string problem) => Assert.AreEqual(problem, Read(box, unit).Problem);

    private RowReading Read(string box, BoxUnit unit)
    {
        using var bitmap = new SKBitmap(8, 4);
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 8; x++) bitmap.SetPixel(x, y, new SKColor((byte)(10 * x), (byte)(20 * y), 7));
        }

        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Folder.Write("a.png", data.ToArray());
        string file = Folder.Write("boxes.jsonl", $$"""{"image": "a.png", "question": "What?", "answer": "Red.", "box": {{box}}}""");
        return new MLContext().MetaMorph().Data.VisualThinking([file], new BoxFileOptions { Unit = unit }).Read().Single();
    }
}
