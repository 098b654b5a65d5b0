using System.Text;

namespace Scenes;

/// <summary>
/// The rules of a procedural world: which shapes, colours, sizes, places and backgrounds exist, how many objects a scene may have,
/// and what is kept out of training.
/// </summary>
/// <remarks>
/// Two things are never drawn in training: about a twelfth of the shape-colour pairs (composition is measured on them), and a tenth
/// of all scenes, chosen by a hash of their description (ordinary held-out scenes). Everything is a function of a seed.
/// </remarks>
public sealed class SceneWorld
{
    /// <summary>The full world: 12 shapes × 8 colours × 2 sizes × 9 places × 4 backgrounds, one to three objects.</summary>
    public static SceneWorld Full { get; } = new(Enum.GetValues<Shape>(), Colour.Objects, Colour.Backgrounds, maximumObjects: 3);

    /// <summary>A smaller world for a ten-minute run: 6 shapes × 6 colours × 9 places × 2 backgrounds, one or two objects, all of them large.</summary>
    public static SceneWorld Small { get; } = new(Enum.GetValues<Shape>()[..6], [.. Colour.Objects.Take(6)], [.. Colour.Backgrounds.Take(2)], maximumObjects: 2, hasSizes: false);

    public SceneWorld(IReadOnlyList<Shape> shapes, IReadOnlyList<Colour> colours, IReadOnlyList<Colour> backgrounds, int maximumObjects, bool hasSizes = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumObjects, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maximumObjects, Places.All.Count);
        Shapes = shapes;
        Colours = colours;
        Backgrounds = backgrounds;
        MaximumObjects = maximumObjects;
        HasSizes = hasSizes;
        UnseenPairs = ChooseUnseenPairs();
    }

    public IReadOnlyList<Shape> Shapes { get; }

    public IReadOnlyList<Colour> Colours { get; }

    public IReadOnlyList<Colour> Backgrounds { get; }

    public int MaximumObjects { get; }

    /// <summary>Whether objects are large or small; else all are large.</summary>
    public bool HasSizes { get; }

    /// <summary>Shape-colour pairs that appear in questions and answers but are never drawn in training.</summary>
    public IReadOnlySet<(Shape Shape, Colour Colour)> UnseenPairs { get; }

    /// <summary>Draws a scene that training may show.</summary>
    public Scene SampleTraining(Random random, int? objects = null) => Sample(random, objects, scene => !HasUnseenPair(scene) && !IsHeldOut(scene));

    /// <summary>Draws a scene that training never shows, made of pairs that it does show.</summary>
    public Scene SampleHeldOut(Random random, int? objects = null) => Sample(random, objects, scene => !HasUnseenPair(scene) && IsHeldOut(scene));

    /// <summary>Draws a scene of one object whose shape-colour pair training never shows.</summary>
    public Scene SampleUnseenPair(Random random)
    {
        (Shape shape, Colour colour) = UnseenPairs.OrderBy(p => (p.Shape, p.Colour.Name)).ElementAt(random.Next(UnseenPairs.Count));
        SceneObject any = SampleObject(random, Pick(random, Places.All));
        return new Scene(Pick(random, Backgrounds), [any with { Shape = shape, Colour = colour }]);
    }

    /// <summary>Whether the scene belongs to the tenth that training never shows.</summary>
    public bool IsHeldOut(Scene scene) => StableHash(scene.Describe()) % 10 == 0;

    public bool HasUnseenPair(Scene scene) => scene.Objects.Any(o => UnseenPairs.Contains((o.Shape, o.Colour)));

    /// <summary>Whether training may show this scene.</summary>
    public bool MayTrain(Scene scene) => !HasUnseenPair(scene) && !IsHeldOut(scene);

    /// <summary>An object with every attribute drawn at random.</summary>
    public SceneObject SampleObject(Random random, Place place)
        => new(Pick(random, Shapes), Pick(random, Colours), !HasSizes || random.Next(2) == 0, place, Shift(random), Shift(random));

    /// <summary>A sub-pixel shift in ±0.6.</summary>
    public static float Shift(Random random) => (float)(random.NextDouble() * 1.2 - 0.6);

    public static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];

    private Scene Sample(Random random, int? objects, Func<Scene, bool> allowed)
    {
        while (true)
        {
            int count = objects ?? random.Next(1, MaximumObjects + 1);
            Place[] places = [.. Places.All];
            random.Shuffle(places);
            var scene = new Scene(Pick(random, Backgrounds), [.. places.Take(count).Select(place => SampleObject(random, place))]);
            if (allowed(scene)) return scene;
        }
    }

    /// <summary>One pair in twelve, spread so that no shape and no colour loses more than its share.</summary>
    private HashSet<(Shape, Colour)> ChooseUnseenPairs()
    {
        int count = Math.Max(1, (int)Math.Round(Shapes.Count * Colours.Count / 12.0));
        return [.. Enumerable.Range(0, count).Select(i => (Shapes[i * Shapes.Count / count], Colours[(i * 5 + 2) % Colours.Count]))];
    }

    /// <summary>FNV-1a: string.GetHashCode differs from process to process.</summary>
    private static uint StableHash(string text)
    {
        uint hash = 2166136261;
        foreach (byte b in Encoding.UTF8.GetBytes(text)) hash = (hash ^ b) * 16777619;
        hash ^= hash >> 15;
        return hash * 2654435769u >> 8;
    }
}
