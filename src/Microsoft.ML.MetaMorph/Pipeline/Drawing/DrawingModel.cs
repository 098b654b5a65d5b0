using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of a visualizer and the model over them, once a device. Drawings take turns.</summary>
internal sealed class DrawingModel : IDisposable
{
    private readonly ModelsByDevice<VisualizerModel> _models;

    /// <param name="config">The parts and their shapes.</param>
    /// <param name="settings">How they are computed.</param>
    /// <param name="build">Makes the model on a device; called once for each.</param>
    /// <param name="storage">What the weights lie in; disposed with the model.</param>
    public DrawingModel(VisualizerConfig config, DrawingModelSettings settings, Func<Device, VisualizerModel> build, IDisposable? storage)
    {
        config.Validate();
        Config = config;
        Settings = settings;
        _models = new ModelsByDevice<VisualizerModel>(build, settings.Precision, storage);
    }

    public VisualizerConfig Config { get; }

    public DrawingModelSettings Settings { get; }

    /// <summary>Height and width in pixels of the pictures that it was trained with.</summary>
    public int PictureSize => Config.TrainedSampleSize * Config.Factor;

    /// <summary>In which element type linear layers and convolutions are computed on a device, and why.</summary>
    public PrecisionChoice Choice(Device device) => _models.Choice(device);

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
        CancellationToken cancellation = default) => _models.Compute(device, model =>
    {
        var sampler = new PictureSampler(model, model.Codec(Settings.TiledDecoding), Config.Scheduler ?? SchedulerConfig.StableDiffusion);
        Tensor tokens = tensor(visualTokens, [seeds.Count, tokenCount, Config.Adapter.InputWidth]);
        return PicturePixels.ToImages(sampler.Draw(tokens, seeds, options, progress: progress, cancellation: cancellation));
    });

    /// <summary>Makes the model of a device now; what it is made from may go afterwards.</summary>
    public void Prepare(Device device) => _models.Prepare(device);

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters() => _models.Parameters();

    /// <summary>Writes a folder in diffusers layout.</summary>
    public void Save(string folder) => _models.Save(model => VisualizerFolder.Save(model, folder));

    public void Dispose() => _models.Dispose();
}

/// <summary>How a visualizer is computed.</summary>
/// <param name="Precision">In which element type.</param>
/// <param name="TiledDecoding">Whether large pictures are decoded tile by tile.</param>
/// <param name="TrainedIn">What the training of the visualizer measured or was told, for people who look into a zip; null where we did not train it.</param>
internal sealed record DrawingModelSettings(Precision Precision = Precision.Auto, bool TiledDecoding = false, string? TrainedIn = null);
