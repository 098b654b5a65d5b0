using System.Runtime.InteropServices;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;
using Microsoft.ML.Transforms.Image;
using Scenes;
using SkiaSharp;

namespace Quickstart;

/// <summary>The model as a user gets it: loaded from the file, with nothing left of the training but the encoder for comparisons.</summary>
internal sealed class SavedModel : IDisposable
{
    private readonly MLContext _ml;
    private readonly ITransformer _model, _encoder, _painter;

    public SavedModel(MLContext ml, string file, ImageEncoder encoder, GenerateImagesTransformer visualizer)
    {
        _ml = ml;
        _model = ml.Model.Load(file, out _);
        _painter = visualizer;
        // Encoding needs no training; Fit only binds the columns.
        _encoder = ml.MetaMorph().EncodeImages("VisualTokens", SceneRowView.PictureColumns, encoder).Fit(SceneRowView.Create(ml, []));
    }

    /// <summary>The model's answers; of the rows it sees the prompts and their pictures alone.</summary>
    public IReadOnlyList<Answer> Ask(IEnumerable<SceneRow> rows)
    {
        IDataView prompts = SceneRowView.Create(_ml, rows.Select(row => row with { Response = "", Pictures = [.. row.PromptPictures] }));
        IDataView answers = _model.Transform(prompts);
        return [.. _ml.Data.CreateEnumerable<Prediction>(answers, reuseRowObject: false, ignoreMissingColumns: false)
            .Select(prediction => new Answer(prediction.PredictedResponse, prediction.ResponseVisualTokens, Bitmap(prediction.Picture)))];
    }

    /// <summary>The true visual tokens of pictures.</summary>
    public IReadOnlyList<float[]> Encode(IEnumerable<Picture> pictures)
        => [.. _ml.Data.CreateEnumerable<Encoded>(_encoder.Transform(Rows(pictures)), reuseRowObject: false, ignoreMissingColumns: false).Select(row => row.VisualTokens)];

    /// <summary>What is drawn from the true visual tokens of pictures: all that the tokens and the visualizer can give.</summary>
    public IReadOnlyList<SKBitmap> Reconstruct(IEnumerable<Picture> pictures)
        => [.. _ml.Data.CreateEnumerable<Painted>(_painter.Transform(_encoder.Transform(Rows(pictures))), reuseRowObject: false, ignoreMissingColumns: false).Select(row => Bitmap(row.Picture)!)];

    private IDataView Rows(IEnumerable<Picture> pictures)
        => SceneRowView.Create(_ml, pictures.Select(picture => new SceneRow(RowKind.TextToImage, "", "", [picture])));

    /// <summary>Takes a picture over; it is disposed.</summary>
    private static SKBitmap? Bitmap(MLImage? picture)
    {
        if (picture is null) return null;
        using MLImage owned = picture;
        var bitmap = new SKBitmap(new SKImageInfo(owned.Width, owned.Height, owned.PixelFormat == MLPixelFormat.Bgra32 ? SKColorType.Bgra8888 : SKColorType.Rgba8888, SKAlphaType.Opaque));
        Marshal.Copy(owned.Pixels.ToArray(), 0, bitmap.GetPixels(), bitmap.ByteCount);
        return bitmap;
    }

    public void Dispose()
    {
        (_model as IDisposable)?.Dispose();
        (_encoder as IDisposable)?.Dispose();
    }

    private sealed class Prediction
    {
        public string PredictedResponse { get; set; } = "";

        public float[] ResponseVisualTokens { get; set; } = [];

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture { get; set; }
    }

    private sealed class Encoded
    {
        public float[] VisualTokens { get; set; } = [];
    }

    private sealed class Painted
    {
        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage? Picture { get; set; }
    }
}

/// <summary>One answer of the model.</summary>
/// <param name="Text">Its text, with a mark where a picture stands.</param>
/// <param name="VisualTokens">The visual tokens of its pictures, one after another.</param>
/// <param name="Drawn">Its first picture; null where it has none.</param>
internal sealed record Answer(string Text, float[] VisualTokens, SKBitmap? Drawn);
