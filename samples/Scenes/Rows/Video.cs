namespace Scenes;

/// <summary>Short videos: one object moves a place a second, the rest stands still.</summary>
/// <param name="Frames">The scenes in order of time.</param>
/// <param name="Moving">The object that moves, as it is in the first frame.</param>
/// <param name="Direction">Where it moves.</param>
public sealed record Video(IReadOnlyList<Scene> Frames, SceneObject Moving, Direction Direction)
{
    /// <summary>Draws a video of three frames in which every frame satisfies <paramref name="allowed"/>.</summary>
    public static Video Sample(Random random, Func<Scene> start, Func<Scene, bool> allowed)
    {
        while (true)
        {
            Scene first = start();
            SceneObject item = SceneWorld.Pick(random, first.Objects);
            if (first.Objects.Count(o => o.ShortName == item.ShortName) > 1) continue;      // a question must name the moving one
            Direction direction = SceneWorld.Pick(random, Enum.GetValues<Direction>());
            if (Run(first, item, direction) is { } frames && frames.All(allowed)) return new Video(frames, item, direction);
        }
    }

    private static List<Scene>? Run(Scene first, SceneObject item, Direction direction)
    {
        var frames = new List<Scene> { first };
        SceneObject at = item;
        for (int i = 1; i < 3; i++)
        {
            if (at.Place.Towards(direction) is not { } next || frames[^1].At(next) is not null) return null;
            SceneObject moved = at with { Place = next };
            frames.Add(frames[^1].Replace(at, moved));
            at = moved;
        }
        return frames;
    }
}
