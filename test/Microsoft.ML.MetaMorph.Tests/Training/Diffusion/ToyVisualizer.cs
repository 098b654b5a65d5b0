using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A visualizer of a few thousand weights that looks at one place of a sample at a time, and a world of two pictures for it.</summary>
internal sealed class ToyVisualizer : ITrainableDenoiser, IDisposable
{
    public const int Tokens = 4, Width = 3;

    private readonly Linear _adapter;
    private readonly PlaceNetwork _network;

    public ToyVisualizer(int seed = 1)
    {
        using Generator generator = new((ulong)seed);
        var parameters = new FreshParameters(CPU, generator);
        _adapter = new Linear(parameters["adapter"], Tokens * Width, 16);
        _network = new PlaceNetwork(parameters["network"]);
    }

    public Device Device => CPU;

    public int Channels => 12;

    public (int Height, int Width) SampleSize => (4, 4);

    public int SizeMultiple => 1;

    public nn.Module Adapter => _adapter;

    public nn.Module Network => _network;

    public AutoencoderKL? Autoencoder => null;

    public DropoutDraws? Dropout { get; set; }

    public DiffusionConditioning Condition(Tensor visualTokens) => new(_adapter.forward(visualTokens.flatten(1)).unsqueeze(1));

    public Tensor Predict(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning)
    {
        using var scope = NewDisposeScope();
        long[] places = [samples.shape[0], samples.shape[2], samples.shape[3], -1];
        Tensor time = (timesteps / 1000f).view(-1, 1, 1, 1), told = conditioning.Context.view(-1, 1, 1, 16);
        Tensor seen = cat([samples.permute(0, 2, 3, 1), told.expand(places), time.expand(places), (time * 6f).sin().expand(places)], 3);
        return _network.Forward(seen).permute(0, 3, 1, 2).contiguous().MoveToOuterDisposeScope();
    }

    public IRecomputedPrediction PredictRecomputed(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning) => new KeptGraph(Predict(samples, timesteps, conditioning));

    public long RowBytes(int height, int width) => 100_000;

    public Dictionary<string, Tensor> Weights() => new[] { Adapter, Network }.SelectMany(module => module.named_parameters().Select(p => (Name: $"{(module == Adapter ? "adapter" : "denoiser")}.{p.name}", p.parameter))).ToDictionary(p => p.Name, p => p.parameter.detach().clone());

    public void Dispose()
    {
        _adapter.Dispose();
        _network.Dispose();
    }

    /// <summary>A dark picture and a light one, with tokens that tell them apart.</summary>
    public static VisualizerBatch Batch(int rows, int first = 0)
    {
        using var scope = NewDisposeScope();
        float[] kinds = [.. Enumerable.Range(first, rows).Select(row => row % 2 == 0 ? 0.2f : 0.8f)];
        Tensor kind = tensor(kinds);
        Tensor pictures = kind.view(-1, 1, 1, 1).expand(rows, 3, 8, 8).clone(), tokens = (kind.view(-1, 1, 1) * 2f - 1f).expand(rows, Tokens, Width).clone();
        return new VisualizerBatch(pictures.DetachFromDisposeScope(), tokens.DetachFromDisposeScope());
    }

    public static IEnumerable<VisualizerBatch> Batches(int rows, int skip = 0)
    {
        for (int step = skip; ; step++) yield return Batch(rows, step);
    }

    private sealed class KeptGraph(Tensor prediction) : IRecomputedPrediction
    {
        public Tensor Prediction => prediction;

        public void Backward(Tensor gradient) => autograd.backward(prediction, gradient);

        public void Dispose() => prediction.Dispose();
    }

    private sealed class PlaceNetwork : NamedModule
    {
        private readonly Linear _first, _second, _third;

        public PlaceNetwork(ParameterSource parameters)
            : base(nameof(PlaceNetwork))
        {
            (_first, _second, _third) = (new Linear(parameters["first"], 12 + 16 + 2, 64), new Linear(parameters["second"], 64, 64), new Linear(parameters["third"], 64, 12));
            register_module("first", _first);
            register_module("second", _second);
            register_module("third", _third);
        }

        public Tensor Forward(Tensor seen) => _third.forward(F.silu(_second.forward(F.silu(_first.forward(seen)))));
    }
}
