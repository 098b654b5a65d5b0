using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A denoiser without weights: each value depends on its own place, the timestep and the mean of the row's tokens.</summary>
internal sealed class PlainDenoiser : IDenoiser
{
    private readonly List<long> _rows = [];

    public Device Device => CPU;

    public int Channels => 12;

    public (int Height, int Width) SampleSize { get; init; } = (4, 4);

    public int SizeMultiple { get; init; } = 2;

    public long BytesPerRow { get; init; } = 1000;

    /// <summary>Instead of the formula.</summary>
    public Func<Tensor, Tensor, DiffusionConditioning, Tensor>? Answer { get; init; }

    /// <summary>Rows of each call.</summary>
    public IReadOnlyList<long> Calls => _rows;

    public DiffusionConditioning Condition(Tensor visualTokens) => new(visualTokens * 2f, visualTokens.mean([1L, 2L]).view(-1, 1, 1, 1).expand(-1, 1, 2, 2));

    public Tensor Predict(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning)
    {
        Assert.AreEqual(samples.shape[0], timesteps.shape[0]);
        Assert.AreEqual(samples.shape[0], conditioning.Rows);
        _rows.Add(samples.shape[0]);
        if (Answer is not null) return Answer(samples, timesteps, conditioning);
        Tensor told = conditioning.Context.mean([1L, 2L]).view(-1, 1, 1, 1) + conditioning.Grid!.mean([1L, 2, 3]).view(-1, 1, 1, 1);
        return samples * 0.4f + (told + timesteps.view(-1, 1, 1, 1) / 1000f).sin() * 0.5f;
    }

    public long RowBytes(int height, int width) => BytesPerRow * height * width / 16;
}

/// <summary>2×2 pixels become four channels, as they are.</summary>
internal sealed class PlainCodec : IPictureCodec
{
    private readonly List<long> _encoded = [];

    public int Scale => 2;

    public long BytesPerRow { get; init; } = 10;

    /// <summary>Rows of each call of <see cref="Encode"/>.</summary>
    public IReadOnlyList<long> Encoded => _encoded;

    public Tensor Encode(Tensor pictures)
    {
        _encoded.Add(pictures.shape[0]);
        return nn.functional.pixel_unshuffle(pictures, 2);
    }

    public Tensor Decode(Tensor samples) => nn.functional.pixel_shuffle(samples, 2);

    public long RowBytes(int pictureHeight, int pictureWidth) => BytesPerRow;
}
