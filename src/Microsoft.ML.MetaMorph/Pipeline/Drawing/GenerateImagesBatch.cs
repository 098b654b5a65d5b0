using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The visual tokens of a batch of rows and the pictures drawn from them. A row that cannot be drawn says so in its error column, or throws when
/// a picture of it is asked for; the others have theirs.
/// </summary>
internal sealed class GenerateImagesBatch : IRowBatch
{
    private readonly IHost _host;
    private readonly GenerateImagesSettings _settings;
    private readonly DrawingRuntime _runtime;
    private readonly Lease<DrawingModel> _model;
    private readonly int _tokenCount;
    private readonly DrawingInputReader _reader;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly DrawingInput[][] _inputs;
    private readonly RgbImage[][] _pictures;
    private readonly ImageGenerationOptions _options;

    public GenerateImagesBatch(IHost host, GenerateImagesSettings settings, DrawingRuntime runtime, Lease<DrawingModel> model, int tokenCount, DataViewRow row, int capacity)
    {
        _host = host;
        _settings = settings;
        _runtime = runtime;
        _model = model;
        _tokenCount = tokenCount;
        _failures = new ExceptionDispatchInfo?[capacity];
        _inputs = new DrawingInput[capacity][];
        _pictures = new RgbImage[capacity][];
        _options = settings.Generation;
        // Without any seed every cursor draws anew.
        long seed = _options.Seed ?? MLNetInternals.Settings(host).Seed ?? Random.Shared.Next();
        (int height, int width) = model.Value.PictureSize;
        _reader = new DrawingInputReader(row, settings, model.Value.Config.Adapter, tokenCount, (_options.Height ?? height, _options.Width ?? width), seed);
    }

    public void Read(int slot)
    {
        _inputs[slot] = [];
        _failures[slot] = null;
        try
        {
            _inputs[slot] = _reader.Read();
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    public void Run(int count)
    {
        var drawn = new Dictionary<DrawingInput, RgbImage?>(ReferenceEqualityComparer.Instance);
        foreach (IGrouping<(bool, bool), DrawingInput> group in _inputs.Take(count).SelectMany(row => row).GroupBy(input => input.Group))
        {
            DrawingInput[] together = [.. group];
            foreach ((DrawingInput input, RgbImage? picture) in together.Zip(Draw(together, drawn.Count))) drawn.Add(input, picture);
        }

        for (int slot = 0; slot < count; slot++)
        {
            _pictures[slot] = [.. _inputs[slot].Select(input => drawn[input]).OfType<RgbImage>()];
            if (_inputs[slot].FirstOrDefault(input => drawn[input] is null) is not { } unsound) continue;
            _pictures[slot] = [];
            _failures[slot] = ExceptionDispatchInfo.Capture(RowErrors.At(unsound.Row, RowErrors.Columns(_settings.InputColumnName), $"the answer for picture {unsound.Picture + 1} is not a number. {PictureSampler.Unsound}"));
        }
    }

    public Delegate CreateGetter(int output, Func<int> slot)
    {
        int pictures = _settings.OutputFolder is null ? _settings.MaximumImages : 1;
        if (output == pictures) return Error(slot);
        return _settings.OutputFolder is { } folder ? Paths(slot, folder) : Picture(slot, output);
    }

    public void Dispose() => _model.Dispose();

    private RgbImage?[] Draw(DrawingInput[] inputs, int before)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_runtime.Cancellation);
        if (MLNetInternals.IsCanceled(_host)) cancellation.Cancel();
        return _model.Value.Draw(inputs, _tokenCount, _options, _runtime.Device, Report, cancellation.Token);

        void Report(DrawingProgress step)
        {
            if (MLNetInternals.IsCanceled(_host)) cancellation.Cancel();
            _runtime.Progress?.Report(new DrawingStatus(before + step.FirstRow, step.Rows, step.Step, step.Steps, () => Preview(step)));
        }
    }

    // With an error column a row that could not be drawn is one without pictures.
    private RgbImage[] PicturesOf(int slot)
    {
        if (_settings.ErrorColumnName is null) _failures[slot]?.Throw();
        return _pictures[slot];
    }

    private static MLImage[] Preview(DrawingProgress step)
    {
        using Tensor pictures = step.Preview();
        return [.. PicturePixels.ToImages(pictures).Select(DrawnPicture.ToMLImage)];
    }

    private ValueGetter<ReadOnlyMemory<char>> Error(Func<int> slot)
        => (ref ReadOnlyMemory<char> value) => value = (_failures[slot()]?.SourceException.Message ?? "").AsMemory();

    // Stock components dispose what the caller's variable holds. CreateEnumerable and prediction engines keep one variable for all rows, so
    // that would dispose the pictures of earlier rows, which users hold: here every picture is the caller's, to dispose or to leave to the collector.
    private ValueGetter<MLImage> Picture(Func<int> slot, int index) => (ref MLImage value) =>
    {
        RgbImage[] pictures = PicturesOf(slot());
        value = index < pictures.Length ? DrawnPicture.ToMLImage(pictures[index]) : null!;
    };

    private ValueGetter<VBuffer<ReadOnlyMemory<char>>> Paths(Func<int> slot, string folder) => (ref VBuffer<ReadOnlyMemory<char>> value) =>
    {
        RgbImage[] pictures = PicturesOf(slot());
        VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, pictures.Length);
        for (int i = 0; i < pictures.Length; i++) editor.Values[i] = DrawnPicture.Write(pictures[i], folder).AsMemory();
        value = editor.Commit();
    };
}

/// <summary>What belongs to a run of drawings, not to what is saved.</summary>
/// <param name="Device">Where to compute.</param>
/// <param name="Progress">Told after every step; null: nobody.</param>
/// <param name="Cancellation">Ends drawings between two steps.</param>
internal sealed record DrawingRuntime(Device Device, IProgress<DrawingStatus>? Progress, CancellationToken Cancellation);
