using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of a batch of rows, one a row, and their unit vectors. A row whose picture cannot be read throws when its vector is asked for, or has an error and a vector of NaN; the others have theirs.</summary>
internal sealed class ImageVectors
{
    private readonly LanguageImageEncoderModel _model;
    private readonly Device _device;
    private readonly DataViewRow _row;
    private readonly string _name;
    private readonly int _perCall;
    private readonly bool _tellsErrors;
    private readonly bool _computes;
    private readonly ImageColumn _column;
    private readonly List<RgbImage> _read = [];
    private readonly RgbImage?[] _pictures;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly int[] _places;
    private float[] _vectors = [];

    /// <param name="model">Stays the caller's.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="row">The rows.</param>
    /// <param name="column">The column of pictures.</param>
    /// <param name="folder">Where relative paths start; null for the current folder.</param>
    /// <param name="perCall">Pictures that go through the tower at a time.</param>
    /// <param name="capacity">Rows of a batch.</param>
    /// <param name="tellsErrors">Whether a row that cannot be used has an error instead of throwing.</param>
    /// <param name="computes">False where errors alone are asked for.</param>
    public ImageVectors(LanguageImageEncoderModel model, Device device, DataViewRow row, string column, string? folder, int perCall, int capacity, bool tellsErrors, bool computes)
    {
        (_model, _device, _row, _name, _perCall, _tellsErrors, _computes) = (model, device, row, column, perCall, tellsErrors, computes);
        _column = new ImageColumn(row, column, folder);
        _pictures = new RgbImage?[capacity];
        _failures = new ExceptionDispatchInfo?[capacity];
        _places = new int[capacity];
    }

    /// <summary>Reads the picture of the row on which the input stands.</summary>
    public void Read(int slot)
    {
        _read.Clear();
        (_pictures[slot], _failures[slot]) = (null, null);
        try
        {
            _column.Decode(_row.Position, _read, _model.Check);
            if (_read.Count != 1)
                throw RowErrors.At(_row.Position, RowErrors.Columns(_name), $"{_read.Count} pictures; a vector is that of exactly 1 picture. Leave rows without one out in front of this step, and give rows of several a column for each.");
            _pictures[slot] = _read[0];
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    /// <summary>Computes the vectors of the slots from 0 to <paramref name="count"/> − 1.</summary>
    public void Run(int count)
    {
        if (!_computes) return;
        var pictures = new List<RgbImage>(count);
        for (int slot = 0; slot < count; slot++)
        {
            _places[slot] = pictures.Count;
            if (_pictures[slot] is { } picture) pictures.Add(picture);
        }

        _vectors = pictures.Count == 0 ? [] : _model.EmbedImages(pictures, _perCall, _device);
    }

    /// <summary>Whether a slot has an error instead of a vector.</summary>
    public bool IsMissing(int slot) => _failures[slot] is not null && _tellsErrors;

    /// <summary>What is wrong with the row of a slot; empty where nothing is.</summary>
    public string Error(int slot) => _failures[slot]?.SourceException.Message ?? "";

    /// <summary>The vector of a slot; all NaN, as ML.NET writes missing values, where there is an error instead.</summary>
    /// <exception cref="InvalidDataException">The row's picture could not be read, or there is not exactly one; row and column are named.</exception>
    public ReadOnlySpan<float> Of(int slot)
    {
        int length = _model.VectorLength;
        if (IsMissing(slot)) return VectorColumn.Missing(length);
        _failures[slot]?.Throw();
        return _vectors.AsSpan(_places[slot] * length, length);
    }
}
