using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The rows of a reference case as the trainer takes them.</summary>
internal static class ReferenceRows
{
    public static TrainingRow[] Of(ReferenceCase reference)
        => [.. Enumerable.Range(0, reference.Json.GetProperty("rows").GetInt32()).Select(row => Row(reference, row))];

    /// <summary>Some of the rows packed into one sequence, with their visual tokens.</summary>
    public static (PackedSequence Sequence, Tensor? VisualTokens) Pack(IReadOnlyList<TrainingRow> rows, MetaMorphConfig config)
    {
        PackedSequence sequence = PackedSequence.FromRows([.. rows.Select(r => r.Sequence)], config.VisualTokenCount, config.ImageStartId);
        float[] values = [.. rows.SelectMany(r => r.VisualTokens.ToArray())];
        return (sequence, values.Length == 0 ? null : tensor(values).view(-1, config.VisualTokenCount, config.VisualTokenWidth));
    }

    private static TrainingRow Row(ReferenceCase reference, int row)
    {
        int mark = reference.Json.GetProperty("image_token_index").GetInt32(), ignored = reference.Json.GetProperty("ignore_index").GetInt32();
        int[] ids = [.. reference[$"row{row}.input_ids"].data<long>().Select(id => id == mark ? TokenSequence.ImagePlaceholder : (int)id)];
        foreach (long label in reference[$"row{row}.labels"].data<long>())
            Assert.IsTrue(label >= 0 || label == ignored || label == mark, $"{reference.Name}: row {row} has the label {label}; it is a token, {mark} for an image, or {ignored}");
        int[] labels = [.. reference[$"row{row}.labels"].data<long>().Select(label => label == ignored ? TokenSequence.Ignored : (int)label)];
        float[] tokens = reference.Find($"row{row}.visual_tokens") is { } visual ? visual.data<float>().ToArray() : [];
        return new TrainingRow(new TokenSequence(ids, labels), tokens, row);
    }
}
