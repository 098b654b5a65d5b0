using BenchmarkDotNet.Attributes;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A 320×240 picture → the pixels of a SigLIP.</summary>
[MemoryDiagnoser]
public class ImagePreprocessing
{
    private readonly RgbImage _picture = SamplePictures.Rgb(1);
    private readonly float[] _pixels = new float[3 * 384 * 384];
    private SiglipImagePreprocessor _square = null!, _padded = null!;

    [Params(224, 384)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var config = new ImagePreprocessorConfig { Height = Size, Width = Size };
        _square = new SiglipImagePreprocessor(config);
        _padded = new SiglipImagePreprocessor(config with { AspectRatio = ImageAspectRatio.Pad });
    }

    [Benchmark]
    public void Square() => _square.Preprocess(_picture, _pixels.AsSpan(0, _square.Length));

    [Benchmark]
    public void PadToSquare() => _padded.Preprocess(_picture, _pixels.AsSpan(0, _padded.Length));
}
