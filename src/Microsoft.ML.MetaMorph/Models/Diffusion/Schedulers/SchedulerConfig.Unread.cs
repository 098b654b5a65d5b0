namespace Microsoft.ML.MetaMorph;

internal sealed partial record SchedulerConfig
{
    private static readonly DiffusionSchedulerKind[] OfRatios = [DiffusionSchedulerKind.Euler, DiffusionSchedulerKind.DpmSolverMultistep], OfEuler = [DiffusionSchedulerKind.Euler];

    private static readonly DiffusionSchedulerKind[] OfSolver = [DiffusionSchedulerKind.DpmSolverMultistep], OfClipping = [DiffusionSchedulerKind.Ddim, DiffusionSchedulerKind.Ddpm], OfDdpm = [DiffusionSchedulerKind.Ddpm];

    private static readonly DiffusionSchedulerKind[] AllButPndm = [.. Enum.GetValues<DiffusionSchedulerKind>().Where(kind => kind != DiffusionSchedulerKind.Pndm)];

    /// <summary>
    /// The fields, by their published names, that are set to something else than their default and that this scheduler's class does not have. It draws
    /// without them, as diffusers does; another class that takes the configuration over reads them.
    /// </summary>
    /// <remarks><c>set_alpha_to_one</c> and <c>skip_prk_steps</c> are not among them: Stable Diffusion's own files have them for classes that do not.</remarks>
    public IReadOnlyList<string> Unread => [.. Particular().Where(entry => entry.IsSet && !entry.Readers.Contains(Kind)).Select(entry => entry.Name)];

    private IEnumerable<(string Name, bool IsSet, DiffusionSchedulerKind[] Readers)> Particular() =>
    [
        ("rescale_betas_zero_snr", RescaleBetasZeroSnr, AllButPndm),
        ("use_karras_sigmas", SigmaSpacing == SigmaSpacing.Karras, OfRatios),
        ("use_exponential_sigmas", SigmaSpacing == SigmaSpacing.Exponential, OfRatios),
        ("use_lu_lambdas", SigmaSpacing == SigmaSpacing.LogSignalToNoise, OfSolver),
        ("sigma_min", SigmaMin is not null, OfRatios),
        ("sigma_max", SigmaMax is not null, OfRatios),
        ("interpolation_type", LogLinearInterpolation, OfEuler),
        ("timestep_type", ContinuousTimesteps, OfEuler),
        ("final_sigmas_type", FinalSigma != FinalSigma.Zero, OfRatios),
        ("algorithm_type", Stochastic, OfSolver),
        ("solver_order", SolverOrder != 2, OfSolver),
        ("solver_type", SolverType != SolverType.Midpoint, OfSolver),
        ("lower_order_final", !LowerOrderFinal, OfSolver),
        ("euler_at_final", EulerAtFinal, OfSolver),
        ("lambda_min_clipped", LambdaMinClipped is not null, OfSolver),
        ("variance_type", Variance != PosteriorVariance.FixedSmall, OfDdpm),
        ("clip_sample", ClipSample == true, OfClipping),
        ("clip_sample_range", ClipSampleRange != 1, OfClipping),
    ];
}
