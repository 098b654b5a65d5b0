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
    public static IDataView Create(MLContext context, IEnumerable<SceneRow> rows) => context.Data.LoadFromEnumerable(rows.Select(row => new Columns(row)));

    /// <summary>What one row looks like to ML.NET. Properties are read for active columns alone, so a picture that nobody asks for is not painted.</summary>
    public sealed class Columns(SceneRow row)
    {
        public Columns()
            : this(new SceneRow(RowKind.ImageQuestion, "", "", []))
        {
        }

        public string Kind => row.Kind.ToString();

        public string Prompt => row.Prompt;

        public string Response => row.Response;

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture0 => PictureAt(0);

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture1 => PictureAt(1);

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture2 => PictureAt(2);

        private MLImage? PictureAt(int index) => row.Pictures.ElementAtOrDefault(index)?.ToImage();
    }
}
