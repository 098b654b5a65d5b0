using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>packing</c>: rows alone, right-padded in a batch and packed into one sequence give the same hidden states and logits.</summary>
/// <remarks>Losses and gradients are the part in <c>PackingCheck.Training.cs</c>.</remarks>
internal static partial class PackingCheck
{
    [ReferenceKind("packing")]
    public static void Check(ReferenceCase reference)
    {
        PackingTests.CheckCounts(reference);
        CheckLogits(reference);
        CheckTraining(reference);
    }

    static partial void CheckTraining(ReferenceCase reference);

    private static void CheckLogits(ReferenceCase reference)
    {
        using var mode = no_grad();
        using MetaMorphModel model = MetamorphCheck.Load(reference);
        int count = reference.Json.GetProperty("rows").GetInt32();
        Tensor[] rows = [.. Enumerable.Range(0, count).Select(row => MetamorphCheck.Embed(reference, model, row))];
        int[] lengths = [.. rows.Select(r => (int)r.shape[1])];
        CollectionAssert.AreEqual(reference.Json.GetProperty("lengths").EnumerateArray().Select(l => l.GetInt32()).ToArray(), lengths, $"{reference.Name}: lengths");
        for (int row = 0; row < count; row++) Compare(reference, model, row, model.Language.Hidden(rows[row], SequenceLayout.Causal)[0], "alone");

        Tensor padded = zeros(count, lengths.Max(), rows[0].shape[2]);
        for (int row = 0; row < count; row++) padded[row].narrow(0, 0, lengths[row]).copy_(rows[row][0]);
        Tensor batch = model.Language.Hidden(padded, SequenceLayout.Causal);
        for (int row = 0; row < count; row++) Compare(reference, model, row, batch[row].narrow(0, 0, lengths[row]), "in a padded batch");

        Tensor packed = model.Language.Hidden(cat(rows, 1), new PackedLayout(lengths))[0];
        for (int row = 0, start = 0; row < count; start += lengths[row], row++) Compare(reference, model, row, packed.narrow(0, start, lengths[row]), "packed");
    }

    private static void Compare(ReferenceCase reference, MetaMorphModel model, int row, Tensor hidden, string how)
    {
        double tolerance = reference.Json.GetProperty("tolerance").GetProperty("logits").GetDouble();
        reference.AreClose(reference[$"row{row}.hidden"], hidden, tolerance, $"hidden states of row {row} {how}");
        reference.AreClose(reference[$"row{row}.logits"], model.Language.Logits(hidden), tolerance, $"logits of row {row} {how}");
    }
}
