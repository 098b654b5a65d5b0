namespace Microsoft.ML.MetaMorph;

/// <summary>The noise ratio at which a sampling ends.</summary>
internal enum FinalSigma
{
    /// <summary>None is left.</summary>
    Zero,

    /// <summary>That of training's first timestep.</summary>
    SigmaMin,
}
