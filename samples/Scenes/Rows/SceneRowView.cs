using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Scenes;

/// <summary>Rows as an <see cref="IDataView"/>, painted while they are read: nothing is stored, every pass sees the same rows.</summary>
public static class SceneRowView
{
    /// <summary>The picture columns, in order; a row that has fewer pictures leaves the later ones empty.</summary>
    public static IReadOnlyList<string> PictureColumns { get; } = [nameof(Columns.Picture0), nameof(Columns.Picture1), nameof(Columns.Picture2)];

    /// <summary>A view with the columns Kind, Prompt, Response and <see cref="PictureColumns"/>.</summary>
    public static IDataView Create(MLContext context, IEnumerable<SceneRow> rows) => context.Data.LoadFromEnumerable(rows.Select(Columns.From));

    /// <summary>What one row looks like to ML.NET.</summary>
    public sealed class Columns
    {
        public string Kind { get; set; } = "";

        public string Prompt { get; set; } = "";

        public string Response { get; set; } = "";

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture0 { get; set; }

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture1 { get; set; }

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture2 { get; set; }

        internal static Columns From(SceneRow row) => new()
        {
            Kind = row.Kind.ToString(),
            Prompt = row.Prompt,
            Response = row.Response,
            Picture0 = row.Pictures.ElementAtOrDefault(0)?.ToImage(),
            Picture1 = row.Pictures.ElementAtOrDefault(1)?.ToImage(),
            Picture2 = row.Pictures.ElementAtOrDefault(2)?.ToImage(),
        };
    }
}
