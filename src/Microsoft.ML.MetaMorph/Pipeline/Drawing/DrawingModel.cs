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

    private SchedulerConfig Scheduler => Config.Scheduler ?? SchedulerConfig.StableDiffusion;

    /// <summary>Height and width in pixels of the pictures that it was trained with.</summary>
    public (int Height, int Width) PictureSize => Config.PictureSize;

    /// <summary>In which element type linear layers and convolutions are computed on a device, and why.</summary>
    public PrecisionChoice Choice(Device device) => _models.Choice(device);

    /// <summary>Checks options that only the visualizer can judge: steps, scheduler, size and strength.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="started">Whether drawings may start from a picture.</param>
    /// <exception cref="ArgumentException">This visualizer cannot draw so; the option is named.</exception>
    /// <exception cref="NotSupportedException">The scheduler does not go with what the visualizer predicts.</exception>
    public void Require(ImageGenerationOptions options, bool started)
    {
        DrawingPlan.Size(options, start: null, PictureSize, Config.Factor, VisualizerModel.SideMultiple);
        DiffusionSampling.Schedule(Scheduler, options).Dispose();
        if (started) DiffusionSampling.Begin(options.Steps, options.Strength);
    }

    /// <summary>What the scheduler's configuration sets without effect, in a sentence; null where all has.</summary>
    /// <param name="options">May choose another scheduler.</param>
    public string? Unread(ImageGenerationOptions options)
    {
        SchedulerConfig scheduler = DiffusionSampling.Chosen(Scheduler, options);
        return scheduler.Unread is { Count: > 0 } fields
            ? $"The visualizer's scheduler_config.json sets '{string.Join("', '", fields)}', which {scheduler.Kind} does not have: pictures are drawn without, as diffusers draws them. {nameof(ImageGenerationOptions)}.{nameof(ImageGenerationOptions.Scheduler)} chooses one that has it."
            : null;
    }

    /// <summary>Draws pictures from noise.</summary>
    /// <param name="visualTokens">The values of all pictures' tokens, one picture after another.</param>
    /// <param name="tokenCount">N: tokens a picture.</param>
    /// <param name="seeds">Where the noise of each picture starts; one for each picture.</param>
    /// <param name="options">Steps, guidance, size.</param>
    /// <param name="device">Where to compute.</param>
    /// <returns>The pictures; null where the model's answer is not a number.</returns>
    public RgbImage?[] Draw(float[] visualTokens, int tokenCount, IReadOnlyList<long> seeds, ImageGenerationOptions options, Device device)
    {
        int length = tokenCount * Config.Adapter.InputWidth;
        return Draw([.. seeds.Select((seed, i) => new DrawingInput(i, 0, seed, visualTokens.AsMemory(i * length, length)))], tokenCount, options, device);
    }

    /// <summary>Draws pictures of one <see cref="DrawingInput.Group"/>.</summary>
    /// <param name="inputs">What each is drawn from.</param>
    /// <param name="tokenCount">N: tokens a picture.</param>
    /// <param name="options">Steps, guidance, size, strength.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="cancellation">Ends the drawing between two steps.</param>
    /// <returns>The pictures; null where the model's answer is not a number.</returns>
    public RgbImage?[] Draw(
        DrawingInput[] inputs,
        int tokenCount,
        ImageGenerationOptions options,
        Device device,
        Action<DrawingProgress>? progress = null,
        CancellationToken cancellation = default) => _models.Compute(device, model =>
    {
        var sampler = new PictureSampler(model, model.Codec(Settings.TiledDecoding), Scheduler);
        (bool started, bool led) = inputs[0].Group;
        Tensor? start = started ? PicturePixels.FromImages([.. inputs.Select(input => input.Start!)]) : null;
        Tensor? negative = led ? Tokens(inputs.Select(input => input.Negative!.Value)) : null;
        var unsound = new HashSet<int>();
        Tensor drawn = sampler.Draw(Tokens(inputs.Select(input => input.Tokens)), [.. inputs.Select(input => input.Seed)], options, start, negative, progress, row => unsound.Add(row), cancellation);
        return PicturePixels.ToImages(drawn).Select((picture, row) => unsound.Contains(row) ? null : picture).ToArray();

        Tensor Tokens(IEnumerable<ReadOnlyMemory<float>> pictures) => tensor(pictures.SelectMany(values => values.ToArray()).ToArray(), [inputs.Length, tokenCount, Config.Adapter.InputWidth]);
    });

    /// <summary>Makes the model of a device now; what it is made from may go afterwards.</summary>
    public void Prepare(Device device) => _models.Prepare(device);

    /// <summary>The parameters under their published names; they stay valid while this object is.</summary>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters() => _models.Parameters();

    /// <summary>Writes a folder in diffusers layout.</summary>
    public void Save(string folder) => _models.Save(model => VisualizerFolder.Save(model, folder));

    /// <summary>Writes adapter and UNet as MetaMorph's own visualizer has them.</summary>
    public void SaveCheckpoint(string folder) => _models.Save(model => VisualizerFolder.SaveCheckpoint(model, folder, globalStep: 0));

    public void Dispose() => _models.Dispose();
}

/// <summary>How a visualizer is computed.</summary>
/// <param name="Precision">In which element type.</param>
/// <param name="TiledDecoding">Whether large pictures are decoded tile by tile.</param>
/// <param name="TrainedIn">What the training of the visualizer measured or was told, for people who look into a zip; null where we did not train it.</param>
internal sealed record DrawingModelSettings(Precision Precision = Precision.Auto, bool TiledDecoding = false, string? TrainedIn = null);
