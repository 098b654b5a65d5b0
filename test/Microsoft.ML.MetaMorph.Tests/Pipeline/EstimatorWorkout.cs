using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What every estimator must do; each has one test that calls <see cref="Run"/>.</summary>
internal sealed class EstimatorWorkout(MLContext ml, double tolerance)
{
    /// <param name="ml">The context.</param>
    /// <param name="estimator">The estimator.</param>
    /// <param name="data">A few rows it accepts.</param>
    /// <param name="outputs">The columns it appends.</param>
    /// <param name="tolerance">How far values may differ, relative, where batches have other sizes.</param>
    public static TTransformer Run<TTransformer>(MLContext ml, IEstimator<TTransformer> estimator, IDataView data, string[] outputs, double tolerance = 1e-5)
        where TTransformer : class, ITransformer
    {
        var workout = new EstimatorWorkout(ml, tolerance);
        TTransformer transformer = estimator.Fit(data);
        workout.Schemas(estimator, transformer, data, outputs);
        List<object?[]> rows = workout.Cursors(transformer, data, outputs);
        workout.SingleRows(transformer, data, outputs, rows);
        workout.SaveAndLoad(transformer, data, outputs, rows);
        workout.CacheAndBinary(transformer, data, outputs, rows);
        workout.Splits(transformer, data, outputs);
        workout.NoRows(transformer, data, outputs);
        workout.HiddenColumns(transformer, data, outputs, rows);
        return transformer;
    }

    /// <summary>The promised schema is the schema of the transform, and both are the same object every time they are asked for.</summary>
    private void Schemas<TTransformer>(IEstimator<TTransformer> estimator, TTransformer transformer, IDataView data, string[] outputs)
        where TTransformer : class, ITransformer
    {
        SchemaShape promised = estimator.GetOutputSchema(SchemaShapes.FromSchema(data.Schema));
        IDataView view = transformer.Transform(data);
        SchemaShape kept = SchemaShapes.FromSchema(view.Schema);
        string[] Lines(SchemaShape shape) => [.. shape.Select(column => $"{column.Name}: {column.Kind} {column.ItemType} {column.IsKey}").Order()];
        CollectionAssert.AreEqual(Lines(promised), Lines(kept));
        foreach (string output in outputs) Assert.IsNotNull(view.Schema.GetColumnOrNull(output), output);
        CollectionAssert.AreEqual(view.Schema.Select(Describe).ToArray(), transformer.GetOutputSchema(data.Schema).Select(Describe).ToArray());
        // The next stock mapper compares schemas by reference.
        IRowToRowMapper mapper = transformer.GetRowToRowMapper(data.Schema);
        DataViewSchema[] asked = [mapper.OutputSchema, mapper.OutputSchema, view.Schema, view.Schema];
        Assert.AreSame(asked[0], asked[1]);
        Assert.AreSame(asked[2], asked[3]);
        DataViewSchema empty = new DataViewSchema.Builder().ToSchema();
        Assert.Throws<ArgumentException>(() => transformer.GetOutputSchema(empty));
        Assert.Throws<ArgumentException>(() => estimator.GetOutputSchema(SchemaShapes.FromSchema(empty)));
    }

    /// <summary>Twice the same rows; shuffled, in a set, or one column alone: the same values for the same row.</summary>
    private List<object?[]> Cursors(ITransformer transformer, IDataView data, string[] outputs)
    {
        IDataView view = transformer.Transform(data);
        var ids = new List<DataViewRowId>();
        List<object?[]> rows = ColumnValues.Rows(view, outputs, ids: ids);
        Assert.IsNotEmpty(rows, "a workout needs rows");
        Assert.HasCount(ids.Count, ids.Distinct().ToArray());
        if (view.GetRowCount() is { } count) Assert.AreEqual(count, (long)rows.Count);
        ColumnValues.AssertEqual(rows, ColumnValues.Rows(view, outputs), 0, "second cursor");
        for (int output = 0; output < outputs.Length; output++)
        {
            int index = output;
            ColumnValues.AssertEqual([.. rows.Select(row => new[] { row[index] })], ColumnValues.Rows(view, [outputs[output]]), 0, $"'{outputs[output]}' alone");
        }

        using (DataViewRowCursor cursor = view.GetRowCursor([]))
        {
            long seen = 0;
            while (cursor.MoveNext()) Assert.AreEqual(seen++, cursor.Position);
            Assert.AreEqual(rows.Count, seen);
            Assert.IsFalse(cursor.MoveNext());
            Assert.IsFalse(cursor.IsColumnActive(view.Schema[outputs[0]]));
            Assert.Throws<Exception>(() => ColumnValues.Reader(cursor, view.Schema[outputs[0]]));
        }

        if (view.CanShuffle)
        {
            var shuffledIds = new List<DataViewRowId>();
            List<object?[]> shuffled = ColumnValues.Rows(view, outputs, new Random(7), shuffledIds);
            ColumnValues.AssertEqual(rows, [.. ids.Select(id => shuffled[shuffledIds.IndexOf(id)])], tolerance, "shuffled");
        }

        DataViewSchema.Column[] needed = [.. outputs.Select(name => view.Schema[name])];
        var fromSet = new List<object?[]>();
        foreach (DataViewRowCursor cursor in view.GetRowCursorSet(needed, 3))
        {
            using (cursor) fromSet.AddRange(ColumnValues.Rows(cursor, needed));
        }

        ColumnValues.AssertEqual(rows, fromSet, tolerance, "cursor set");
        return rows;
    }

    /// <summary>One row at a time, as a prediction engine does it, gives what the cursor gives.</summary>
    private void SingleRows(ITransformer transformer, IDataView data, string[] outputs, List<object?[]> rows)
    {
        Assert.IsTrue(transformer.IsRowToRowMapper);
        IRowToRowMapper mapper = transformer.GetRowToRowMapper(data.Schema);
        DataViewSchema.Column[] needed = [.. outputs.Select(name => mapper.OutputSchema[name])];
        using DataViewRowCursor cursor = data.GetRowCursor([.. mapper.GetDependencies(needed).Select(column => data.Schema[column.Index])]);
        using DataViewRow row = mapper.GetRow(cursor, needed);
        Func<object?>[] readers = [.. needed.Select(column => ColumnValues.Reader(row, column))];
        var single = new List<object?[]>();
        while (cursor.MoveNext()) single.Add([.. readers.Select(read => read())]);
        ColumnValues.AssertEqual(rows, single, tolerance, "row mapper");
        Assert.IsEmpty(mapper.GetDependencies([]).ToArray());
    }

    /// <summary>The zip gives the same transformer, alone and in a chain, in a context that has never seen our types.</summary>
    private void SaveAndLoad(ITransformer transformer, IDataView data, string[] outputs, List<object?[]> rows)
    {
        string path = Path.GetTempFileName();
        try
        {
            ml.Model.Save(transformer, data.Schema, path);
            var fresh = new MLContext();
            ITransformer loaded = fresh.Model.Load(path, out DataViewSchema schema);
            // ML.NET does not save columns of pictures.
            CollectionAssert.AreEqual(data.Schema.Where(column => !column.IsHidden && column.Type is not ImageDataViewType).Select(Describe).ToArray(), schema.Where(column => !column.IsHidden).Select(Describe).ToArray());
            ColumnValues.AssertEqual(rows, ColumnValues.Rows(loaded.Transform(data), outputs), tolerance, "loaded");
            (loaded as IDisposable)?.Dispose();

            using var stream = new MemoryStream();
            var chain = new TransformerChain<ITransformer>(transformer);
            ml.Model.Save(chain, data.Schema, stream);
            stream.Position = 0;
            ITransformer fromStream = fresh.Model.Load(stream, out _);
            ColumnValues.AssertEqual(rows, ColumnValues.Rows(fromStream.Transform(data), outputs), tolerance, "loaded from a stream");
            // What was loaded is saved again, over the file it came from and elsewhere.
            fresh.Model.Save(fromStream, data.Schema, path);
            (fromStream as IDisposable)?.Dispose();
            ITransformer again = fresh.Model.Load(path, out _);
            ColumnValues.AssertEqual(rows, ColumnValues.Rows(again.Transform(data), outputs), tolerance, "saved again");
            (again as IDisposable)?.Dispose();
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The outputs can be cached and written as an .idv file; pictures cannot, ML.NET refuses them.</summary>
    private void CacheAndBinary(ITransformer transformer, IDataView data, string[] outputs, List<object?[]> rows)
    {
        IDataView view = transformer.Transform(data);
        if (outputs.Any(output => view.Schema[output].Type is ImageDataViewType)) return;
        IDataView cached = ml.Data.Cache(view, outputs);
        ColumnValues.AssertEqual(rows, ColumnValues.Rows(cached, outputs), tolerance, "cached");
        ColumnValues.AssertEqual(rows, ColumnValues.Rows(cached, outputs), tolerance, "cached, again");
        IDataView selected = ml.Transforms.SelectColumns(outputs).Fit(view).Transform(view);
        string path = Path.GetTempFileName();
        try
        {
            using (FileStream stream = File.Create(path)) ml.Data.SaveAsBinary(selected, stream);
            IDataView binary = ml.Data.LoadFromBinary(path);
            foreach (string output in outputs) Assert.AreEqual(view.Schema[output].Type, binary.Schema[output].Type);
            ColumnValues.AssertEqual(rows, ColumnValues.Rows(binary, outputs), 0, "binary");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private void Splits(ITransformer transformer, IDataView data, string[] outputs)
    {
        int all = ColumnValues.Rows(data, []).Count;
        int tested = 0;
        foreach (DataOperationsCatalog.TrainTestData fold in ml.Data.CrossValidationSplit(data, 2))
            tested += ColumnValues.Rows(transformer.Transform(fold.TestSet), outputs).Count;
        Assert.AreEqual(all, tested, "folds");
        DataOperationsCatalog.TrainTestData split = ml.Data.TrainTestSplit(transformer.Transform(data), 0.5);
        Assert.AreEqual(all, ColumnValues.Rows(split.TrainSet, outputs).Count + ColumnValues.Rows(split.TestSet, outputs).Count, "split");
    }

    private void NoRows(ITransformer transformer, IDataView data, string[] outputs)
        => Assert.IsEmpty(ColumnValues.Rows(transformer.Transform(ml.Data.SkipRows(data, 1_000_000)), outputs));

    /// <summary>A second pass hides the first one's columns and gives the same values.</summary>
    private void HiddenColumns(ITransformer transformer, IDataView data, string[] outputs, List<object?[]> rows)
    {
        IDataView twice = transformer.Transform(transformer.Transform(data));
        Assert.IsTrue(twice.Schema.Any(column => column.Name == outputs[0] && column.IsHidden));
        ColumnValues.AssertEqual(rows, ColumnValues.Rows(twice, outputs), tolerance, "hidden");
    }

    private static string Describe(DataViewSchema.Column column) => $"{column.Name}: {column.Type}";
}
