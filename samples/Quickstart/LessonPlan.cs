using Scenes;

namespace Quickstart;

/// <summary>
/// The rows of the ten minutes: of the six kinds, the two that the exam asks for, and many descriptions. A description says everything
/// about a picture, so a model learns from it where to look long before single-word answers would have taught it.
/// </summary>
internal static class LessonPlan
{
    /// <summary>Rows made while they are read; every pass sees the same ones.</summary>
    public static IEnumerable<SceneRow> Rows(SceneWorld world, int seed, int count)
    {
        SceneRows rows = SceneRows.ForTraining(world);
        for (int i = 0; i < count; i++)
        {
            yield return (i % 5) switch
            {
                0 or 1 => rows.Row(seed, i, RowKind.TextToImage),
                2 or 3 => rows.Row(seed, i, RowKind.ImageQuestion),
                _ => Describe(rows.Row(seed, i, RowKind.TextToImage)),
            };
        }
    }

    /// <summary>The same picture, asked for in words.</summary>
    private static SceneRow Describe(SceneRow row)
        => new(RowKind.ImageQuestion, $"{SceneRow.Mark} describe the picture.", row.Pictures[0].Scene.Describe(), row.Pictures);
}
