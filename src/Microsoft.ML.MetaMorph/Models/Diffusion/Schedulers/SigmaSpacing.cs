namespace Microsoft.ML.MetaMorph;

/// <summary>How the noise ratios σ of a sampling are spaced.</summary>
internal enum SigmaSpacing
{
    /// <summary>As the timesteps are.</summary>
    Timesteps,

    /// <summary>Evenly in σ^(1/7) (Karras et al., 2022, equation 5).</summary>
    Karras,

    /// <summary>Evenly in log σ.</summary>
    Exponential,

    /// <summary>Evenly in log σ between the ends of training (Lu et al., 2022).</summary>
    LogSignalToNoise,
}
