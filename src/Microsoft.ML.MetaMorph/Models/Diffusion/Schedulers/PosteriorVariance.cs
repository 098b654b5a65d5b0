namespace Microsoft.ML.MetaMorph;

/// <summary>The variance of the noise that <see cref="DdpmScheduler"/> adds in a step.</summary>
internal enum PosteriorVariance
{
    /// <summary>β̃, that of the posterior given x₀.</summary>
    FixedSmall,

    /// <summary>The same, by way of its logarithm.</summary>
    FixedSmallLog,

    /// <summary>β, that of the forward step.</summary>
    FixedLarge,
}
