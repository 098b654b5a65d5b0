namespace Scenes;

/// <summary>Questions about one picture, with exact answers.</summary>
public static class ImageQuestions
{
    private static readonly string[] Numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

    /// <summary>The kinds of questions, by name.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["colour", "place", "count", "presence", "content", "neighbour", "background", "size", "describe"];

    /// <summary>A question about <paramref name="scene"/> and its answer.</summary>
    public static (string Kind, string Question, string Answer) Ask(SceneWorld world, Scene scene, Random random)
    {
        while (true)
        {
            string kind = SceneWorld.Pick(random, Kinds);
            if (Ask(kind, world, scene, random) is { } asked) return (kind, asked.Question, asked.Answer);
        }
    }

    /// <summary>A question of one kind, or null where the scene gives no such question.</summary>
    public static (string Question, string Answer)? Ask(string kind, SceneWorld world, Scene scene, Random random)
    {
        SceneObject item = SceneWorld.Pick(random, scene.Objects);
        return kind switch
        {
            "colour" => IsOnly(scene, item, o => o.Shape == item.Shape) ? ($"what colour is the {item.ShapeName}?", item.Colour.Name) : null,
            "place" => IsOnly(scene, item, o => o.ShortName == item.ShortName) ? ($"where is the {item.ShortName}?", $"at the {item.Place.Name()}") : null,
            "count" => ("how many objects are there?", Numbers[scene.Objects.Count]),
            "presence" => Presence(world, scene, item, random),
            "content" => Content(scene, item, random),
            "neighbour" => Neighbour(scene, item, random),
            "background" => ("what colour is the background?", scene.Background.Name),
            "size" => world.HasSizes && IsOnly(scene, item, o => o.ShortName == item.ShortName) ? ($"what size is the {item.ShortName}?", item.SizeName) : null,
            "describe" => ("describe the picture.", scene.Describe()),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind of question."),
        };
    }

    private static bool IsOnly(Scene scene, SceneObject item, Func<SceneObject, bool> same) => scene.Objects.Count(same) == 1;

    /// <summary>Half of the questions are answered with yes; the others ask for something one attribute away.</summary>
    private static (string, string) Presence(SceneWorld world, Scene scene, SceneObject item, Random random)
    {
        if (random.Next(2) == 0) return ($"is there a {item.ShortName}?", "yes");
        while (true)
        {
            SceneObject other = random.Next(2) == 0 ? item with { Shape = SceneWorld.Pick(random, world.Shapes) } : item with { Colour = SceneWorld.Pick(random, world.Colours) };
            if (scene.Objects.All(o => o.ShortName != other.ShortName)) return ($"is there a {other.ShortName}?", "no");
        }
    }

    private static (string, string) Content(Scene scene, SceneObject item, Random random)
    {
        Place place = random.Next(4) == 0 ? SceneWorld.Pick(random, Places.All) : item.Place;
        return ($"what is at the {place.Name()}?", scene.At(place)?.FullName ?? "nothing");
    }

    private static (string, string)? Neighbour(Scene scene, SceneObject item, Random random)
    {
        if (!IsOnly(scene, item, o => o.ShortName == item.ShortName)) return null;
        Direction direction = SceneWorld.Pick(random, Enum.GetValues<Direction>());
        string words = direction switch { Direction.Left => "left of", Direction.Right => "right of", Direction.Up => "above", _ => "below" };
        SceneObject[] beyond = [.. scene.Objects.Where(o => o != item && Lies(o.Place, direction, item.Place))];
        if (beyond.Length > 1) return null;
        return ($"what is {words} the {item.ShortName}?", beyond.Length == 0 ? "nothing" : beyond[0].FullName);
    }

    private static bool Lies(Place place, Direction direction, Place from) => direction switch
    {
        Direction.Left => place.Column() < from.Column(),
        Direction.Right => place.Column() > from.Column(),
        Direction.Up => place.Row() < from.Row(),
        _ => place.Row() > from.Row(),
    };
}
