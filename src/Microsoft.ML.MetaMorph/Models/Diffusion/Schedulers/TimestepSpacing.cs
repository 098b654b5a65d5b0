namespace Microsoft.ML.MetaMorph;

/// <summary>Where the timesteps of a sampling lie among those of training (Lin et al., 2024, table 2).</summary>
internal enum TimestepSpacing
{
    /// <summary>From the first timestep on; the last one of training is not visited.</summary>
    Leading,

    /// <summary>Both ends are visited.</summary>
    Linspace,

    /// <summary>From the last timestep down.</summary>
    Trailing,
}
