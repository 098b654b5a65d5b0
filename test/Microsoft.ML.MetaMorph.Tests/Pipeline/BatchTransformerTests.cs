using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class BatchTransformerTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(1)]
    [DataRow(4)]
    [DataRow(64)]
    public void PassesTheWorkout(int batchSize)
    {
        ScaleTransformer.Announce();
        EstimatorWorkout.Run(_ml, new ScaleEstimator(new ScaleSettings("X", "Y", 3, batchSize)), Data(11), ["Y", "YSum"]);
    }

    [TestMethod]
    public void CallsTheModelOnceForABatch()
    {
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(Data(1));
        ColumnValues.Rows(transformer.Transform(Data(10)), ["Y", "YSum", "Name"]);
        CollectionAssert.AreEqual(new[] { 4, 4, 2 }, transformer.Weights.Sizes);
    }

    [TestMethod]
    public void CallsNoModelWhereNothingIsAskedFor()
    {
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(Data(1));
        IDataView view = transformer.Transform(Data(10));
        ColumnValues.Rows(view, ["Name", "X"]);
        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Y"]]))
        {
            while (cursor.MoveNext())
            {
            }
        }

        Assert.IsEmpty(transformer.Weights.Sizes);
        Assert.HasCount(1, view.GetRowCursorSet([view.Schema["Y"]], 4));
    }

    [TestMethod]
    public void DisposesTheInputWhereTheBatchCannotBeMade()
    {
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4, FailToCreate: true)).Fit(Data(1));
        var watched = new WatchedView(Data(3));
        IDataView view = transformer.Transform(watched);
        Assert.Throws<InvalidDataException>(() => view.GetRowCursor([view.Schema["Y"]]));
        Assert.AreEqual(1, watched.Opened);
        Assert.AreEqual(1, watched.Disposed);
    }

    [TestMethod]
    public void AFailureWhileReadingStaysAFailure()
    {
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(Data(1));
        IDataView view = transformer.Transform(Data(7, bad: 5));
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Y"]]);
        for (int i = 0; i < 4; i++) Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual("Row 5 is no number.", Assert.Throws<InvalidDataException>(() => cursor.MoveNext()).Message);
        Assert.AreEqual("Row 5 is no number.", Assert.Throws<InvalidDataException>(() => cursor.MoveNext()).Message);
        Assert.AreEqual(-1, cursor.Position);
    }

    [TestMethod]
    public void PicturesPassThroughAsCopies()
    {
        using MLImage picture = MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, new byte[] { 1, 2, 3, 255, 4, 5, 6, 255 });
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => new PictureRow { Image = i == 3 ? null : picture, X = [i, 1, 2] }));
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(data);
        List<object?[]> rows = ColumnValues.Rows(transformer.Transform(data), ["Image", "YSum"]);
        Assert.IsNull(rows[3][0]);
        CollectionAssert.AreEqual(picture.Pixels.ToArray(), (byte[])rows[4][0]!);
        Assert.AreEqual(2, picture.Width);
    }

    [TestMethod]
    public void ValuesThatCannotBeHeldMakeBatchesOfOneRow()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => new PictureRow { X = [i, 1, 2] }));
        data = _ml.Transforms.CustomMapping<PictureRow, OpaqueRow>((from, to) => to.Opaque = new Opaque { Number = from.X[0] }, null).Fit(data).Transform(data);
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(data);
        List<object?[]> rows = ColumnValues.Rows(transformer.Transform(data), ["Opaque", "YSum"]);
        CollectionAssert.AreEqual(new[] { 0f, 1, 2, 3, 4 }, rows.Select(row => ((Opaque)row[0]!).Number).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 1, 1 }, transformer.Weights.Sizes);
    }

    [TestMethod]
    public void OneEngineMayBeDisposedWhileAnotherGoesOn()
    {
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(Data(1));
        ScaleWeights weights = transformer.Weights;
        var first = _ml.Model.CreatePredictionEngine<Row, Prediction>(transformer);
        var second = _ml.Model.CreatePredictionEngine<Row, Prediction>(transformer);
        IDataView view = transformer.Transform(Data(6));
        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["YSum"]]))
        {
            Assert.AreEqual(14f, first.Predict(new Row { X = [1, 2, 3] }).YSum);
            first.Dispose();
            Assert.AreEqual(28f, second.Predict(new Row { X = [2, 4, 6] }).YSum);
            Assert.IsTrue(cursor.MoveNext());
            Assert.IsNotNull(ColumnValues.Reader(cursor, view.Schema["YSum"])());
            Assert.Throws<ObjectDisposedException>(() => view.GetRowCursor([view.Schema["YSum"]]));
        }

        Assert.IsFalse(weights.Disposed);
        second.Dispose();
    }

    [TestMethod]
    public void WeightsGoWithTheLastHold()
    {
        var weights = new ScaleWeights([1, 2, 3]);
        var first = new Lease<ScaleWeights>(weights);
        Lease<ScaleWeights> second = first.Share();
        first.Dispose();
        first.Dispose();
        Assert.IsFalse(weights.Disposed);
        Assert.Throws<ObjectDisposedException>(() => first.Share());
        Assert.Throws<ObjectDisposedException>(() => first.Value);
        Assert.AreSame(weights, second.Value);
        second.Dispose();
        Assert.IsTrue(weights.Disposed);
    }

    [TestMethod]
    public void ConcurrentCursorsAndEnginesAgree()
    {
        ScaleTransformer transformer = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(Data(1));
        IDataView view = transformer.Transform(Data(50));
        List<object?[]> expected = ColumnValues.Rows(view, ["Y", "YSum"]);
        Parallel.For(0, 16, worker =>
        {
            if (worker % 2 == 0)
            {
                ColumnValues.AssertEqual(expected, ColumnValues.Rows(view, ["Y", "YSum"]), 0, "cursor");
                return;
            }

            PredictionEngine<Row, Prediction> engine = _ml.Model.CreatePredictionEngine<Row, Prediction>(transformer, new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = 0; i < 50; i++) Assert.AreEqual(expected[i][1], engine.Predict(new Row { X = [i, 1, 2] }).YSum);
        });
    }

    private IDataView Data(int rows, int bad = -1)
        => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, rows).Select(i => new Row { Name = $"row {i}", X = [i == bad ? float.NaN : i, 1, 2] }));

    private sealed class Row
    {
        public string Name { get; set; } = "";

        [VectorType(3)]
        public float[] X { get; set; } = [];
    }

    private sealed class PictureRow
    {
        [ImageType(1, 2)]
        public MLImage? Image { get; set; }

        [VectorType(3)]
        public float[] X { get; set; } = [];
    }

    private sealed class Opaque
    {
        public float Number { get; set; }
    }

    private sealed class OpaqueTypeAttribute : DataViewTypeAttribute
    {
        public override bool Equals(DataViewTypeAttribute? other) => other is OpaqueTypeAttribute;

        public override bool Equals(object? other) => other is OpaqueTypeAttribute;

        public override int GetHashCode() => 0;

        public override void Register() => DataViewTypeManager.Register(new OpaqueDataViewType(), typeof(Opaque), this);
    }

    private sealed class OpaqueDataViewType() : StructuredDataViewType(typeof(Opaque))
    {
        public override bool Equals(DataViewType? other) => other is OpaqueDataViewType;

        public override bool Equals(object? other) => other is OpaqueDataViewType;

        public override int GetHashCode() => 0;
    }

    private sealed class OpaqueRow
    {
        [OpaqueType]
        public Opaque? Opaque { get; set; }
    }

    private sealed class Prediction
    {
        public float YSum { get; set; }
    }

    private sealed class WatchedView(IDataView inner) : IDataView
    {
        public int Opened { get; private set; }

        public int Disposed { get; private set; }

        public bool CanShuffle => inner.CanShuffle;

        public DataViewSchema Schema => inner.Schema;

        public long? GetRowCount() => inner.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        {
            Opened++;
            return new WatchedCursor(this, inner.GetRowCursor(columnsNeeded, rand));
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];

        private sealed class WatchedCursor(WatchedView owner, DataViewRowCursor inner) : DataViewRowCursor
        {
            public override DataViewSchema Schema => inner.Schema;

            public override long Position => inner.Position;

            public override long Batch => inner.Batch;

            public override bool MoveNext() => inner.MoveNext();

            public override ValueGetter<DataViewRowId> GetIdGetter() => inner.GetIdGetter();

            public override bool IsColumnActive(DataViewSchema.Column column) => inner.IsColumnActive(column);

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => inner.GetGetter<TValue>(column);

            protected override void Dispose(bool disposing)
            {
                owner.Disposed++;
                inner.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
