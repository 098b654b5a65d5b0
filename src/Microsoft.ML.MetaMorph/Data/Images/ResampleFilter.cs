namespace Microsoft.ML.MetaMorph;

/// <summary>The filters of <c>preprocessor_config.json</c>, numbered as Pillow numbers them (<c>PIL.Image.Resampling</c>).</summary>
internal enum ResampleFilter
{
    Nearest = 0,
    Lanczos = 1,
    Bilinear = 2,
    Bicubic = 3,
    Box = 4,
    Hamming = 5,
}
