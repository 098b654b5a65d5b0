namespace Scenes;

/// <summary>Instructions that change one picture into another.</summary>
public static class Edits
{
    /// <summary>An instruction for <paramref name="scene"/> and the scene that it leads to.</summary>
    public static (string Instruction, Scene Result) Change(SceneWorld world, Scene scene, Random random)
    {
        while (true)
        {
            SceneObject item = SceneWorld.Pick(random, scene.Objects);
            // An object that shares its name with another cannot be spoken of; the scene around it still can be changed.
            int first = scene.Objects.Count(o => o.ShortName == item.ShortName) > 1 ? 4 : 0;
            (string Instruction, Scene Result)? change = random.Next(first, 6) switch
            {
                0 => Recolour(world, scene, item, random),
                1 => Reshape(world, scene, item, random),
                2 => Move(scene, item, random),
                3 => scene.Objects.Count > 1 ? ($"remove the {item.ShortName}.", scene.Without(item)) : null,
                4 => Add(world, scene, random),
                _ => Background(world, scene, random),
            };
            if (change is { } made && !made.Result.LooksLike(scene)) return made;
        }
    }

    private static (string, Scene) Recolour(SceneWorld world, Scene scene, SceneObject item, Random random)
    {
        Colour colour = SceneWorld.Pick(random, world.Colours);
        return ($"make the {item.ShortName} {colour}.", scene.Replace(item, item with { Colour = colour }));
    }

    private static (string, Scene) Reshape(SceneWorld world, Scene scene, SceneObject item, Random random)
    {
        SceneObject changed = item with { Shape = SceneWorld.Pick(random, world.Shapes) };
        return ($"turn the {item.ShortName} into a {changed.ShapeName}.", scene.Replace(item, changed));
    }

    private static (string, Scene)? Move(Scene scene, SceneObject item, Random random)
    {
        Place place = SceneWorld.Pick(random, Places.All);
        return scene.At(place) is null ? ($"move the {item.ShortName} to the {place.Name()}.", scene.Replace(item, item with { Place = place })) : null;
    }

    private static (string, Scene)? Add(SceneWorld world, Scene scene, Random random)
    {
        Place place = SceneWorld.Pick(random, Places.All);
        if (scene.At(place) is not null || scene.Objects.Count >= world.MaximumObjects) return null;
        SceneObject added = world.SampleObject(random, place);
        return ($"add {added.Placed}.", scene.With(added));
    }

    private static (string, Scene) Background(SceneWorld world, Scene scene, Random random)
    {
        Colour colour = SceneWorld.Pick(random, world.Backgrounds);
        return ($"make the background {colour}.", scene with { Background = colour });
    }
}
