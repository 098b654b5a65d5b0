using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The first pictures of a batch of rows and what the autoencoder makes of them. A row whose picture cannot be read throws when its values are asked for; the others have theirs.</summary>
internal sealed class AutoencodeImagesBatch : IRowBatch
{
    private readonly Lease<AutoencoderModel> _model;
    private readonly Device _device;
    private readonly DataViewRow _row;
    private readonly ImageColumn _column;
    private readonly SiglipImagePreprocessor _preprocessor;
    private readonly RgbImage?[] _pictures;
    private readonly ReconstructedPicture?[] _results;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly List<RgbImage> _read = [];

    public AutoencodeImagesBatch(AutoencodeImagesSettings settings, Lease<AutoencoderModel> model, Device device, DataViewRow row, int capacity)
    {
        (_model, _device, _row) = (model, device, row);
        _column = new ImageColumn(row, settings.InputColumnName, settings.ImageFolder);
        _preprocessor = new PictureSettings([settings.InputColumnName], settings.ImageFolder, model.Value.PictureSize, settings.AspectRatio, capacity).Preprocessor();
        _pictures = new RgbImage?[capacity];
        _results = new ReconstructedPicture?[capacity];
        _failures = new ExceptionDispatchInfo?[capacity];
    }

    public void Read(int slot)
    {
        _read.Clear();
        (_pictures[slot], _failures[slot]) = (null, null);
        try
        {
            _column.Decode(_row.Position, _read, _preprocessor.Check);
            _pictures[slot] = _read.FirstOrDefault();
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    public void Run(int count)
    {
        RgbImage[] pictures = [.. _pictures.Take(count).OfType<RgbImage>()];
        IReadOnlyList<ReconstructedPicture> results = pictures.Length == 0 ? [] : _model.Value.Reconstruct(_preprocessor.PreprocessBatch(pictures), pictures.Length, _device);
        for (int slot = 0, next = 0; slot < count; slot++) _results[slot] = _pictures[slot] is null ? null : results[next++];
    }

    public Delegate CreateGetter(int output, Func<int> slot) => output == 0
        ? (ValueGetter<MLImage>)((ref MLImage value) => value = Result(slot()) is { } result ? DrawnPicture.ToMLImage(result.Picture) : null!)
        : (ValueGetter<float>)((ref float value) => value = Result(slot())?.Error ?? float.NaN);

    public void Dispose() => _model.Dispose();

    private ReconstructedPicture? Result(int slot)
    {
        _failures[slot]?.Throw();
        return _results[slot];
    }
}
