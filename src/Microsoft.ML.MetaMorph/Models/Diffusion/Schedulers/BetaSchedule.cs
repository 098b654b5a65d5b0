namespace Microsoft.ML.MetaMorph;

/// <summary>How the variance of the noise grows over the timesteps of training.</summary>
internal enum BetaSchedule
{
    /// <summary><c>linear</c>: β on a straight line.</summary>
    Linear,

    /// <summary><c>scaled_linear</c>: √β on a straight line (Stable Diffusion).</summary>
    ScaledLinear,

    /// <summary><c>squaredcos_cap_v2</c>: ᾱ follows a squared cosine (Nichol and Dhariwal, 2021): equal steps of the angle between picture and noise.</summary>
    SquaredCosine,
}
