namespace Scenes.Tests;

[TestClass]
public sealed class SceneMarksTests
{
    private static readonly SceneObject
        Star = new(Shape.Star, Colour.Objects[0], IsLarge: true, Place.Top),
        Ring = new(Shape.Ring, Colour.Objects[1], IsLarge: false, Place.Left);

    private static readonly Scene Wanted = new(Colour.Backgrounds[0], [Star, Ring]);

    public static IEnumerable<object?[]> Readings()
    {
        yield return ["the same", Wanted, 2, true];
        yield return ["another order and other shifts", Wanted with { Objects = [Ring with { OffsetX = 0.4f }, Star with { OffsetY = -0.6f }] }, 2, true];
        yield return ["one more object", Wanted.With(Star with { Place = Place.Center }), 2, false];
        yield return ["another background", Wanted with { Background = Colour.Backgrounds[1] }, 2, false];
        yield return ["another colour", Wanted.Replace(Star, Star with { Colour = Colour.Objects[2] }), 1, false];
        yield return ["another size", Wanted.Replace(Ring, Ring with { IsLarge = true }), 1, false];
        yield return ["another place", Wanted.Replace(Ring, Ring with { Place = Place.Right }), 1, false];
        yield return ["one object less", Wanted.Without(Star), 1, false];
        yield return ["nothing", new Scene(Colour.Backgrounds[0], []), 0, false];
        yield return ["no picture", null, 0, false];
    }

    [TestMethod]
    [DynamicData(nameof(Readings))]
    public void EachReadingIsMarked(string what, Scene? read, int rightObjects, bool isExact)
        => Assert.AreEqual(new SceneMarks(2, rightObjects, 1, isExact ? 1 : 0), SceneMarks.Of([Wanted], [read]), what);

    [TestMethod]
    public void SharesAreOfObjectsAndOfScenes()
    {
        SceneMarks marks = SceneMarks.Of([Wanted, Wanted, Wanted, new Scene(Colour.Backgrounds[0], [Star])], [Wanted, null, Wanted.Without(Ring), new Scene(Colour.Backgrounds[0], [Star])]);
        Assert.AreEqual(4.0 / 7, marks.ObjectsShare, 1e-12);
        Assert.AreEqual(2.0 / 4, marks.ExactShare, 1e-12);
        Assert.ThrowsExactly<ArgumentException>(() => SceneMarks.Of([Wanted], []));
    }

    /// <summary>Six shapes, six colours, nine places and two backgrounds: a random picture seldom has an object where and as it is wanted.</summary>
    [TestMethod]
    public void OthersGetWhatChanceGets()
    {
        var random = new Random(7);
        Scene[] scenes = [.. Enumerable.Range(0, 400).Select(_ => SceneWorld.Small.SampleTraining(random, objects: 1))];
        SceneMarks chance = SceneMarks.OfOthers(scenes, others: 50);
        Assert.AreEqual(20_000, chance.Scenes);
        // 36 pairs less the three that are never drawn, times nine places: 1/297; the background doubles it.
        Assert.AreEqual(1.0 / 297, chance.ObjectsShare, 0.0008);
        Assert.AreEqual(1.0 / 594, chance.ExactShare, 0.0006);
    }
}
