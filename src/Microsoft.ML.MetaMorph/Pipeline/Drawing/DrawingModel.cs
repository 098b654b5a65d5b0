using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of a visualizer and the model over them, once a device. Drawings take turns.</summary>
internal sealed class DrawingModel : IDisposable
{
    private readonly Lock _turn = new();
    private readonly Func<Device, VisualizerModel> _build;
    private readonly IDisposable? _storage;
    private readonly Dictionary<string, VisualizerModel> _models = [];
    private bool _disposed;

    /// <param name="config">The parts and their shapes.</param>
    /// <param name="settings">How they are computed.</param>
    /// <param name="build">Makes the model on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    public DrawingModel(VisualizerConfig config, DrawingModelSettings settings, Func<Device, VisualizerModel> build, IDisposable? storage)
    {
        config.Validate();
        Config = config;
        Settings = settings;
        _build = build;
        _storage = storage;
    }

    public VisualizerConfig Config { get; }

    public DrawingModelSettings Settings { get; }

    /// <summary>Height and width in pixels of the pictures that it was trained with.</summary>
    public int PictureSize => Config.TrainedSampleSize * Config.Factor;

    /// <summary>Draws a picture for each run of tokens.</summary>
    /// <param name="visualTokens">The values of all pictures' tokens, one picture after another.</param>
    /// <param name="tokenCount">N: tokens a picture.</param>
    /// <param name="seeds">Where the noise of each picture starts; one for each picture.</param>
    /// <param name="options">Steps, guidance, size.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="cancellation">Ends the drawing between two steps.</param>
    public RgbImage[] Draw(
        float[] visualTokens,
        int tokenCount,
        IReadOnlyList<long> seeds,
        ImageGenerationOptions options,
        Device device,
        Action<DrawingProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        // No-grad and dispose scopes belong to a thread: they are set where the work is, for a stock mapper may call from any thread.
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            using var mode = no_grad();
            using var scope = NewDisposeScope();
            VisualizerModel model = Model(device);
            var sampler = new PictureSampler(model, model.Codec(Settings.TiledDecoding), Config.Scheduler ?? SchedulerConfig.StableDiffusion);
            Tensor tokens = tensor(visualTokens, [seeds.Count, tokenCount, Config.Adapter.InputWidth]);
            return PicturePixels.ToImages(sampler.Draw(tokens, seeds, options, progress: progress, cancellation: cancellation));
        }
    }

    /// <summary>Makes the model of a device now; what it is made from may go afterwards.</summary>
    public void Prepare(Device device)
    {
        lock (_turn) Model(device);
    }

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Parameters()
    {
        lock (_turn)
        {
            return [.. Model(_models.Values.FirstOrDefault()?.Device ?? CPU).named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];
        }
    }

    /// <summary>Writes a folder in diffusers layout.</summary>
    public void Save(string folder)
    {
        lock (_turn) VisualizerFolder.Save(Model(_models.Values.FirstOrDefault()?.Device ?? CPU), folder);
    }

    public void Dispose()
    {
        lock (_turn)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (VisualizerModel model in _models.Values) model.Dispose();
            _models.Clear();
            _storage?.Dispose();
        }
    }

    private VisualizerModel Model(Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_models.TryGetValue(device.ToString(), out VisualizerModel? model)) return model;
        using (no_grad())
        {
            model = _build(device);
        }

        model.eval();
        PrecisionProbe.Apply(model, PrecisionProbe.Resolve(Settings.Precision, device));
        _models[device.ToString()] = model;
        return model;
    }
}

/// <summary>How a visualizer is computed.</summary>
internal sealed record DrawingModelSettings(Precision Precision = Precision.Auto, bool TiledDecoding = false);
