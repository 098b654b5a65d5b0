using SkiaSharp;

namespace Scenes.Tests;

[TestClass]
public sealed class SceneReaderTests
{
    [TestMethod]
    [DataRow("full", 1)]
    [DataRow("full", 2)]
    [DataRow("small", 3)]
    public void TruePicturesAreReadExactly(string name, int seed)
    {
        SceneWorld world = name == "full" ? SceneWorld.Full : SceneWorld.Small;
        var reader = new SceneReader(world);
        var random = new Random(seed);
        const int count = 400;
        int exact = 0;
        var wrong = new List<string>();
        for (int i = 0; i < count; i++)
        {
            Scene scene = world.SampleTraining(random);
            using SKBitmap picture = ScenePainter.Paint(scene);
            Scene read = reader.Read(picture);
            if (read.LooksLike(scene)) exact++;
            else wrong.Add($"{scene.Describe()} → {read.Describe()}");
        }
        Assert.IsGreaterThanOrEqualTo(0.99 * count, exact, $"{exact} of {count} exact; {string.Join("; ", wrong.Take(5))}");
    }

    [TestMethod]
    public void AChangeOfAnyAttributeIsSeen()
    {
        var reader = new SceneReader(SceneWorld.Full);
        var random = new Random(4);
        for (int i = 0; i < 100; i++)
        {
            Scene scene = SceneWorld.Full.SampleTraining(random);
            (string instruction, Scene changed) = Edits.Change(SceneWorld.Full, scene, random);
            using SKBitmap picture = ScenePainter.Paint(changed);
            Assert.IsFalse(reader.Read(picture).LooksLike(scene), instruction);
        }
    }
}
