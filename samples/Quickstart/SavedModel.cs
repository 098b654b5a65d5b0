using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;
using Scenes;

namespace Quickstart;

/// <summary>The model as a user gets it: loaded from the file, with nothing left of the training but the encoder for comparisons.</summary>
internal sealed class SavedModel : IDisposable
{
    private readonly MLContext _ml;
    private readonly ITransformer _model, _encoder;

    public SavedModel(MLContext ml, string file, ImageEncoder encoder)
    {
        _ml = ml;
        _model = ml.Model.Load(file, out _);
        // Encoding needs no training; Fit only binds the columns.
        _encoder = ml.MetaMorph().EncodeImages("VisualTokens", SceneRowView.PictureColumns, encoder).Fit(SceneRowView.Create(ml, []));
    }

    /// <summary>The model's answers; of the rows it sees the prompts and their pictures alone.</summary>
    public IReadOnlyList<Answer> Ask(IEnumerable<SceneRow> rows)
    {
        IDataView prompts = SceneRowView.Create(_ml, rows.Select(row => row with { Response = "", Pictures = [.. row.PromptPictures] }));
        IDataView answers = _model.Transform(prompts);
        return [.. _ml.Data.CreateEnumerable<Prediction>(answers, reuseRowObject: false, ignoreMissingColumns: false)
            .Select(prediction => new Answer(prediction.PredictedResponse, prediction.ResponseVisualTokens))];
    }

    /// <summary>The true visual tokens of pictures.</summary>
    public IReadOnlyList<float[]> Encode(IEnumerable<Picture> pictures)
    {
        IDataView rows = SceneRowView.Create(_ml, pictures.Select(picture => new SceneRow(RowKind.TextToImage, "", "", [picture])));
        return [.. _encoder.Transform(rows).GetColumn<float[]>("VisualTokens")];
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
    }
}

/// <summary>One answer of the model.</summary>
/// <param name="Text">Its text, with a mark where a picture stands.</param>
/// <param name="VisualTokens">The visual tokens of its pictures, one after another.</param>
internal sealed record Answer(string Text, float[] VisualTokens);
