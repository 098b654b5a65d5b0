namespace Microsoft.ML.MetaMorph;

/// <summary>What a denoiser says about a noisy sample x = α·x₀ + σ·ε; diffusers' <c>prediction_type</c>.</summary>
public enum DiffusionPrediction
{
    /// <summary>ε, the noise.</summary>
    Epsilon,

    /// <summary>v = α·ε − σ·x₀ (Salimans and Ho, 2022).</summary>
    Velocity,

    /// <summary>x₀, the clean sample.</summary>
    Sample,
}
