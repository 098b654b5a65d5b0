using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>ML.NET's own ONNX conversion over pipelines with transformers of ours.</summary>
[TestClass]
public sealed class OnnxExportTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AnEncoderIsRefusedByName()
    {
        using EncodeImagesTransformer encoder = TinyModels.TrainEncoder(_ml);
        AssertRefused(encoder, TinyModels.Captions(_ml, 2), nameof(EncodeImagesTransformer));
    }

    [TestMethod]
    public void AMetaMorphIsRefusedByName()
    {
        IDataView data = EncodedRow.Rows(_ml, 4);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        AssertRefused(model, data, nameof(MetaMorphTransformer));
    }

    [TestMethod]
    public void AChainIsRefusedWhereverOursStands()
    {
        IDataView data = Numbers();
        ScaleEstimator ours = new(new ScaleSettings("X", "Y", 3, 4));
        AssertRefused(_ml.Transforms.NormalizeMinMax("X").Append(ours).Fit(data), data, nameof(ScaleTransformer));
        AssertRefused(ours.Append(_ml.Transforms.NormalizeMinMax("Y")).Fit(data), data, nameof(ScaleTransformer));
        AssertRefused(_ml.Transforms.NormalizeMinMax("X").Append(ours).Append(_ml.Transforms.NormalizeMinMax("Y")).Fit(data), data, nameof(ScaleTransformer));
    }

    /// <summary>What the message advises works.</summary>
    [TestMethod]
    public void WhatStandsBehindCanBeExportedAlone()
    {
        IDataView data = Numbers();
        ScaleTransformer ours = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(data);
        IDataView rows = ours.Transform(data);
        ITransformer behind = _ml.Transforms.NormalizeMinMax("Y").Fit(rows);
        using var refused = new MemoryStream();
        Assert.Throws<NotSupportedException>(() => _ml.Model.ConvertToOnnx(behind, rows, refused));
        using var stream = new MemoryStream();
        _ml.Model.ConvertToOnnx(behind, _ml.Data.LoadFromEnumerable([new BehindRow()]), stream);
        Assert.IsGreaterThan(0L, stream.Length);
    }

    [TestMethod]
    public void TheViewBehindOursIsNotSavedInItsPlace()
    {
        IDataView data = Numbers();
        IDataView view = new ScaleEstimator(new ScaleSettings("X", "Y", 3, 4)).Fit(data).Transform(data);
        string message = Assert.Throws<NotSupportedException>(() => ((ICanSaveModel)view).Save(null!)).Message;
        foreach (string part in new[] { nameof(ScaleTransformer), "mlContext.Model.Save" }) StringAssert.Contains(message, part);
    }

    private IDataView Numbers() => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 5).Select(i => new NumbersRow { X = [i, 2 * i, 3 * i] }).ToArray());

    private void AssertRefused(ITransformer model, IDataView data, string name)
    {
        using var stream = new MemoryStream();
        string message = Assert.ThrowsExactly<NotSupportedException>(() => _ml.Model.ConvertToOnnx(model, data, stream)).Message;
        StringAssert.StartsWith(message, $"{name} cannot be exported to ONNX: it computes with a TorchSharp model");
        foreach (string advice in new[] { "mlContext.Model.Save", "export only the transformers behind it", "rows in memory (mlContext.Data.LoadFromEnumerable)" }) StringAssert.Contains(message, advice);
        Assert.AreEqual(0, stream.Length, "nothing is written");
    }

    private sealed class NumbersRow
    {
        [VectorType(3)]
        public float[] X { get; set; } = [];
    }

    private sealed class BehindRow
    {
        [VectorType(3)]
        public float[] Y { get; set; } = [1, 2, 3];
    }
}
