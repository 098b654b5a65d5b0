using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>A row for a plan, which reads texts alone: the column of visual tokens has its sizes and no values, so that no encoder need be trained yet.</summary>
internal sealed class PlannedRow
{
    public string[] Prompt { get; set; } = [];

    public string[] Response { get; set; } = [];

    public float[] VisualTokens { get; set; } = [];

    public static IDataView View(MLContext ml, TrainingRows rows, RunSettings settings)
    {
        (int count, int width) = Sizes(settings);
        SchemaDefinition schema = SchemaDefinition.Create(typeof(PlannedRow));
        schema[nameof(VisualTokens)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 0, count, width);
        return ml.Data.LoadFromEnumerable(rows.Read().Select(row => new PlannedRow { Prompt = [.. row.Prompts], Response = [.. row.Responses] }), schema);
    }

    private static (int Count, int Width) Sizes(RunSettings settings)
    {
        if (settings.Encoder is not { } folder) return (ModelSizes.VisualTokens, settings.Sizes!.EncoderWidth);
        using ImageEncoder encoder = EncoderPhase.Open(folder, settings);
        return (encoder.VisualTokenCount, encoder.VisualTokenWidth);
    }
}
