using Scenes;
using SkiaSharp;

namespace Quickstart;

/// <summary>Marks drawn pictures by what an analytic reader finds in their pixels: nobody's opinion, and not the model's.</summary>
/// <param name="world">The world of the scenes.</param>
/// <param name="truth">The scene of each picture.</param>
internal sealed class DrawingMarks(SceneWorld world, IReadOnlyList<Scene> truth)
{
    private readonly SceneReader _reader = new(world);

    /// <summary>The share of objects that stand where they should with the right shape, colour and size, and of pictures with all of that, the right background and nothing else.</summary>
    public (Score Objects, Score Exact) Of(IReadOnlyList<SKBitmap?> pictures)
    {
        Scene?[] read = [.. pictures.Select(picture => picture is null ? null : _reader.Read(picture))];
        int objects = truth.Sum(scene => scene.Objects.Count);
        double right = truth.Zip(read).Sum(pair => Right(pair.First, pair.Second)), exact = truth.Zip(read).Count(pair => pair.Second is { } scene && pair.First.LooksLike(scene));
        return (new Score(right / objects, ChanceOfObjects(), objects), new Score(exact / truth.Count, ChanceOfScenes(), truth.Count));
    }

    private static int Right(Scene scene, Scene? read) => read is null ? 0 : scene.Objects.Count(o => read.At(o.Place) is { } found && found.LooksLike(o));

    // Guessing: the true picture of another prompt.
    private double ChanceOfObjects() => Pairs().Sum(pair => Right(pair.Scene, pair.Other)) / (double)Pairs().Sum(pair => pair.Scene.Objects.Count);

    private double ChanceOfScenes() => Pairs().Average(pair => pair.Scene.LooksLike(pair.Other) ? 1.0 : 0);

    private IEnumerable<(Scene Scene, Scene Other)> Pairs()
        => from i in Enumerable.Range(0, truth.Count) from j in Enumerable.Range(0, truth.Count) where i != j select (truth[i], truth[j]);
}
