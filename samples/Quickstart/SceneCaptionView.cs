using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using Scenes;

namespace Quickstart;

/// <summary>Pictures with their descriptions, painted while they are read.</summary>
internal static class SceneCaptionView
{
    /// <summary>A view with the columns Image and Caption; every pass sees the same rows.</summary>
    public static IDataView Create(MLContext context, SceneWorld world, int seed, int count)
        => context.Data.LoadFromEnumerable(Rows(world, seed, count));

    private static IEnumerable<Row> Rows(SceneWorld world, int seed, int count)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i += 2)
        {
            (Scene scene, Scene sibling) = Siblings(world, random);
            yield return new Row(scene);
            yield return new Row(sibling);
        }
    }

    /// <summary>Two scenes that differ in one thing: telling them apart takes more than the colours of the whole.</summary>
    private static (Scene, Scene) Siblings(SceneWorld world, Random random)
    {
        while (true)
        {
            // A new scene every time: all changes of one can be held out.
            Scene scene = world.SampleTraining(random);
            (_, Scene changed) = Edits.Change(world, scene, random);
            if (world.MayTrain(changed)) return (scene, changed);
        }
    }

    internal sealed class Row(Scene scene)
    {
        public Row()
            : this(new Scene(Colour.Backgrounds[0], []))
        {
        }

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage Image => ScenePainter.PaintImage(scene);

        public string Caption => scene.Describe();
    }
}
