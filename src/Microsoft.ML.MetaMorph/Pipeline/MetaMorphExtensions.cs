using Microsoft.ML.MetaMorph;

namespace Microsoft.ML;

/// <summary>The entrance to Microsoft.ML.MetaMorph.</summary>
public static class MetaMorphExtensions
{
    /// <summary>Components that read pictures and predict them.</summary>
    /// <param name="mlContext">The context, whose seed, GPU, log and cancellation the components honour.</param>
    /// <returns>The catalog.</returns>
    public static MetaMorphCatalog MetaMorph(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        return new MetaMorphCatalog(mlContext);
    }
}
