namespace Scenes;

/// <summary>A picture's content: a background and one to three objects in different places.</summary>
/// <param name="Background">The colour behind everything.</param>
/// <param name="Objects">The objects, in any order; text lists them in reading order unless told otherwise.</param>
public sealed record Scene(Colour Background, IReadOnlyList<SceneObject> Objects)
{
    /// <summary>The objects in reading order.</summary>
    public IEnumerable<SceneObject> InReadingOrder => Objects.OrderBy(o => o.Place);

    public SceneObject? At(Place place) => Objects.FirstOrDefault(o => o.Place == place);

    /// <summary>"a large red star at the top left and a small blue circle at the right on a white background"</summary>
    public string Describe() => Describe(InReadingOrder);

    /// <summary>The description with the objects in the order given.</summary>
    public string Describe(IEnumerable<SceneObject> order)
        => $"{(Objects.Count == 0 ? "nothing" : string.Join(" and ", order.Select(o => o.Placed)))} on a {Background} background";

    /// <summary>Same background and same objects; sub-pixel shifts do not count.</summary>
    public bool LooksLike(Scene other) => Background == other.Background && Objects.Count == other.Objects.Count
        && Objects.All(o => other.At(o.Place) is { } twin && o.LooksLike(twin));

    /// <summary>This scene with one object exchanged.</summary>
    public Scene Replace(SceneObject old, SceneObject replacement) => this with { Objects = [.. Objects.Select(o => ReferenceEquals(o, old) ? replacement : o)] };

    public Scene Without(SceneObject gone) => this with { Objects = [.. Objects.Where(o => !ReferenceEquals(o, gone))] };

    public Scene With(SceneObject added) => this with { Objects = [.. Objects, added] };
}
