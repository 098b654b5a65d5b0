namespace Scenes;

/// <summary>How well scenes that were read from pictures agree with those that should be there.</summary>
/// <param name="Objects">Objects that should be there.</param>
/// <param name="RightObjects">Of these, the ones found at their place with shape, colour and size.</param>
/// <param name="Scenes">Scenes.</param>
/// <param name="ExactScenes">Of these, the ones with all objects, no other, and the background.</param>
public sealed record SceneMarks(int Objects, int RightObjects, int Scenes, int ExactScenes)
{
    public double ObjectsShare => (double)RightObjects / Objects;

    public double ExactShare => (double)ExactScenes / Scenes;

    /// <summary>Marks scenes one by one; where none was read there is nothing right.</summary>
    /// <exception cref="ArgumentException">There are not as many of one as of the other, or none.</exception>
    public static SceneMarks Of(IReadOnlyList<Scene> wanted, IReadOnlyList<Scene?> read)
    {
        if (wanted.Count == 0 || wanted.Count != read.Count) throw new ArgumentException($"{wanted.Count} scenes are wanted and {read.Count} were read; both must be the same number, above zero.", nameof(read));
        return new SceneMarks(
            wanted.Sum(scene => scene.Objects.Count),
            wanted.Zip(read).Sum(pair => pair.First.Objects.Count(item => pair.Second?.At(item.Place) is { } found && item.LooksLike(found))),
            wanted.Count,
            wanted.Zip(read).Count(pair => pair.Second is { } scene && pair.First.LooksLike(scene)));
    }

    /// <summary>What pictures of other scenes of the same world would get: every scene marked against the ones after it.</summary>
    /// <param name="wanted">The scenes, in any order.</param>
    /// <param name="others">How many others each is held against.</param>
    public static SceneMarks OfOthers(IReadOnlyList<Scene> wanted, int others)
    {
        Scene[] held = [.. Enumerable.Repeat(wanted, others).SelectMany(scenes => scenes)];
        return Of(held, [.. held.Select((_, i) => wanted[(i % wanted.Count + i / wanted.Count + 1) % wanted.Count])]);
    }
}
