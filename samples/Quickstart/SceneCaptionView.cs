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
            // Two pictures that differ in one thing: telling them apart takes more than the colours of the whole.
            Scene scene = world.SampleTraining(random);
            Scene sibling = Sibling(world, scene, random);
            yield return new Row { Image = ScenePainter.PaintImage(scene), Caption = scene.Describe() };
            yield return new Row { Image = ScenePainter.PaintImage(sibling), Caption = sibling.Describe() };
        }
    }

    private static Scene Sibling(SceneWorld world, Scene scene, Random random)
    {
        while (true)
        {
            (_, Scene changed) = Edits.Change(world, scene, random);
            if (world.MayTrain(changed)) return changed;
        }
    }

    internal sealed class Row
    {
        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Image { get; set; }

        public string Caption { get; set; } = "";
    }
}
