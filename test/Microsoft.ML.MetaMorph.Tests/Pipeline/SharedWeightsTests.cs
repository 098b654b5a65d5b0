using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Cursors and prediction engines at the same time: right answers, and one copy of the weights.</summary>
[TestClass]
public sealed class SharedWeightsTests
{
    private const int Workers = 8;
    private static readonly string[] Outputs = ["PredictedResponse", "ResponseVisualTokens"];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void CursorsAndEnginesShareOneCopyUnderStress()
    {
        IDataView data = EncodedRow.Rows(_ml, 6);
        EncodedRow[] rows = [.. _ml.Data.CreateEnumerable<EncodedRow>(data, reuseRowObject: false, ignoreMissingColumns: true)];
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        IDataView view = model.Transform(data);
        List<object?[]> inBatches = ColumnValues.Rows(view, Outputs);
        using PredictionEngine<EncodedRow, Answer> first = Engine(model);
        object?[][] alone = Answers(first, rows);
        Assert.IsTrue(inBatches.Any(row => ((string)row[0]!).Length > 0), "answers to compare");

        // What earlier tests left to the garbage collector would blur the count.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        int holds = model.Hold.Holds;
        long tensors = Tensor.TotalCount;
        nint[] addresses = Addresses(model);
        var engines = new ConcurrentBag<PredictionEngine<EncodedRow, Answer>>();
        var cursors = new ConcurrentBag<DataViewRowCursor>();
        Parallel.For(0, Workers, new ParallelOptions { MaxDegreeOfParallelism = Workers }, worker =>
        {
            if (worker % 2 == 0)
            {
                DataViewRowCursor cursor = view.GetRowCursor(Outputs.Select(name => view.Schema[name]));
                cursors.Add(cursor);
                ColumnValues.AssertEqual(inBatches, ColumnValues.Rows(cursor, [.. Outputs.Select(name => view.Schema[name])]), 0, $"cursor {worker}");
                return;
            }

            PredictionEngine<EncodedRow, Answer> engine = Engine(model);
            engines.Add(engine);
            for (int round = 0; round < 3; round++) ColumnValues.AssertEqual(alone, Answers(engine, rows), 0, $"engine {worker}, round {round}");
        });

        // All of them are still open: each has a hold on the one model, and none has tensors of its own.
        Assert.HasCount(Workers / 2, cursors);
        Assert.HasCount(Workers / 2, engines);
        Assert.AreEqual(holds + Workers, model.Hold.Holds, "holds");
        Assert.AreEqual(tensors, Tensor.TotalCount, "tensors that were made beside the one copy");
        CollectionAssert.AreEqual(addresses, Addresses(model), "where the weights lie");
        foreach (DataViewRowCursor cursor in cursors) cursor.Dispose();
        Assert.AreEqual(holds + Workers / 2, model.Hold.Holds, "cursors give theirs back");
        foreach (PredictionEngine<EncodedRow, Answer> engine in engines) engine.Dispose();
    }

    private static object?[][] Answers(PredictionEngine<EncodedRow, Answer> engine, EncodedRow[] rows)
        => [.. rows.Select(row => engine.Predict(row)).Select(answer => new object?[] { answer.PredictedResponse, answer.ResponseVisualTokens.ToArray() })];

    private static nint[] Addresses(MetaMorphTransformer model) => [.. model.Model.Parameters().Select(entry => Address(TensorMemory.Span<float>(entry.Value)))];

    private static unsafe nint Address(Span<float> values) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(values));

    private PredictionEngine<EncodedRow, Answer> Engine(MetaMorphTransformer model)
        => _ml.Model.CreatePredictionEngine<EncodedRow, Answer>(model, new PredictionEngineOptions { OwnsTransformer = false });
}
