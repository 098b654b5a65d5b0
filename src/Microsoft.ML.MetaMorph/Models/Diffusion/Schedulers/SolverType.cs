namespace Microsoft.ML.MetaMorph;

/// <summary>The second-order formula of <see cref="DpmSolverMultistepScheduler"/>.</summary>
internal enum SolverType
{
    Midpoint,
    Heun,
}
