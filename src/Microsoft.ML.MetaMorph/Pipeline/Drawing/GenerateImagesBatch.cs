using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The visual tokens of a batch of rows and the pictures drawn from them.</summary>
internal sealed class GenerateImagesBatch : IRowBatch
{
    private readonly IHost _host;
    private readonly GenerateImagesSettings _settings;
    private readonly DrawingRuntime _runtime;
    private readonly Lease<DrawingModel> _model;
    private readonly int _tokenCount;
    private readonly DataViewRow _row;
    private readonly VisualTokensColumn _tokens;
    private readonly SeedColumn? _seeds;
    private readonly ExceptionDispatchInfo?[] _failures;
    private readonly float[][] _values;
    private readonly long[] _rowSeeds;
    private readonly RgbImage[][] _pictures;
    private readonly ImageGenerationOptions _options;
    private readonly long _seed;

    public GenerateImagesBatch(IHost host, GenerateImagesSettings settings, DrawingRuntime runtime, Lease<DrawingModel> model, int tokenCount, DataViewRow row, int capacity)
    {
        _host = host;
        _settings = settings;
        _runtime = runtime;
        _model = model;
        _tokenCount = tokenCount;
        _row = row;
        _failures = new ExceptionDispatchInfo?[capacity];
        _tokens = new VisualTokensColumn(row, settings.InputColumnName, tokenCount, model.Value.Config.Adapter.InputWidth);
        _seeds = settings.SeedColumnName is { } seeds ? new SeedColumn(row, seeds) : null;
        _values = new float[capacity][];
        _rowSeeds = new long[capacity];
        _pictures = new RgbImage[capacity][];
        _options = settings.Generation;
        // Without any seed every cursor draws anew.
        _seed = _options.Seed ?? MLNetInternals.Settings(host).Seed ?? Random.Shared.Next();
    }

    private int PictureLength => _tokenCount * _model.Value.Config.Adapter.InputWidth;

    public void Read(int slot)
    {
        _values[slot] = [];
        _failures[slot] = null;
        try
        {
            float[] values = _tokens.Read(_row.Position, _settings.OutputFolder is null ? _settings.MaximumImages : int.MaxValue);
            int wanted = _settings.OutputFolder is null ? Math.Min(_settings.MaximumImages, values.Length / PictureLength) : values.Length / PictureLength;
            _values[slot] = values[..(wanted * PictureLength)];
            _rowSeeds[slot] = _seeds?.Read() ?? _seed;
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    public void Run(int count)
    {
        int[] counts = [.. Enumerable.Range(0, count).Select(slot => _values[slot].Length / PictureLength)];
        float[] all = new float[counts.Sum() * PictureLength];
        for (int slot = 0, start = 0; slot < count; start += _values[slot].Length, slot++) _values[slot].CopyTo(all, start);
        // Each picture of a row has noise of its own, whatever stands in the other rows.
        long[] seeds = [.. Enumerable.Range(0, count).SelectMany(slot => Enumerable.Range(0, counts[slot]).Select(i => _rowSeeds[slot] + i))];
        RgbImage[] drawn = seeds.Length == 0 ? [] : Draw(all, seeds);
        for (int slot = 0, start = 0; slot < count; start += counts[slot], slot++) _pictures[slot] = drawn[start..(start + counts[slot])];
    }

    public Delegate CreateGetter(int output, Func<int> slot)
        => _settings.OutputFolder is { } folder ? Paths(slot, folder) : Picture(slot, output);

    public void Dispose() => _model.Dispose();

    private RgbImage[] Draw(float[] tokens, long[] seeds)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(_runtime.Cancellation);
        if (MLNetInternals.IsCanceled(_host)) cancellation.Cancel();
        return _model.Value.Draw(tokens, _tokenCount, seeds, _options, _runtime.Device, Report, cancellation.Token);

        void Report(DrawingProgress step)
        {
            if (MLNetInternals.IsCanceled(_host)) cancellation.Cancel();
            _runtime.Progress?.Report(new DrawingStatus(step.FirstRow, step.Rows, step.Step, step.Steps, () => Preview(step)));
        }
    }

    // A row that could not be read has its error, the others of the batch have their pictures.
    private RgbImage[] PicturesOf(int slot)
    {
        _failures[slot]?.Throw();
        return _pictures[slot];
    }

    private static MLImage[] Preview(DrawingProgress step)
    {
        using Tensor pictures = step.Preview();
        return [.. PicturePixels.ToImages(pictures).Select(DrawnPicture.ToMLImage)];
    }

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
