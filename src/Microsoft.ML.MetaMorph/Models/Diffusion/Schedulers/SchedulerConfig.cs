namespace Microsoft.ML.MetaMorph;

/// <summary>A scheduler as diffusers' <c>scheduler_config.json</c> describes it.</summary>
/// <remarks>
/// A null stands for the default of the scheduler's own class, so that another class can take over a configuration
/// (<c>with { Kind = … }</c>) as diffusers' <c>from_config</c> does: what was given stays, what was a default becomes the new class's.
/// </remarks>
internal sealed partial record SchedulerConfig
{
    /// <summary>Stable Diffusion 1.5's: PNDM, β from 0.00085 to 0.012 on a line of their roots.</summary>
    public static SchedulerConfig StableDiffusion { get; } = new()
    {
        Kind = DiffusionSchedulerKind.Pndm,
        BetaStart = 0.00085,
        BetaEnd = 0.012,
        BetaSchedule = BetaSchedule.ScaledLinear,
        StepsOffset = 1,
        SetAlphaToOne = false,
        SkipPrkSteps = true,
        ClipSample = false,
    };

    /// <summary>Velocity over equal steps of the angle, deterministic. Visualizers trained from nothing have it with a prediction of their own, by default the clean picture.</summary>
    public static SchedulerConfig CosineVelocity { get; } = new()
    {
        Kind = DiffusionSchedulerKind.Ddim,
        BetaSchedule = BetaSchedule.SquaredCosine,
        Prediction = DiffusionPrediction.Velocity,
        Spacing = TimestepSpacing.Trailing,
        SetAlphaToOne = true,
        ClipSample = false,
    };

    public required DiffusionSchedulerKind Kind { get; init; }

    /// <summary><c>num_train_timesteps</c>.</summary>
    public int TrainingSteps { get; init; } = 1000;

    public double BetaStart { get; init; } = 0.0001;

    public double BetaEnd { get; init; } = 0.02;

    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.Linear;

    /// <summary>β of each timestep, instead of a schedule.</summary>
    public IReadOnlyList<float>? TrainedBetas { get; init; }

    public DiffusionPrediction Prediction { get; init; } = DiffusionPrediction.Epsilon;

    /// <summary>Null: leading for PNDM, DDIM and DDPM, linspace for the others.</summary>
    public TimestepSpacing? Spacing { get; init; }

    public int StepsOffset { get; init; }

    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>Whether the last step of DDIM and PNDM ends without noise instead of at the first timestep's. Null: DDIM yes, PNDM no.</summary>
    public bool? SetAlphaToOne { get; init; }

    /// <summary>Whether PNDM begins with multistep formulas of low order instead of Runge–Kutta steps. Null: no.</summary>
    public bool? SkipPrkSteps { get; init; }

    /// <summary>Whether DDIM and DDPM keep the predicted picture within ±<see cref="ClipSampleRange"/>. Null: yes.</summary>
    public bool? ClipSample { get; init; }

    public double ClipSampleRange { get; init; } = 1;

    public SigmaSpacing SigmaSpacing { get; init; }

    /// <summary>The least noise ratio of Karras and exponential spacing, of Euler and DPM-Solver++; null: that of the last timestep.</summary>
    public double? SigmaMin { get; init; }

    /// <summary>The largest one; null: that of the first timestep.</summary>
    public double? SigmaMax { get; init; }

    /// <summary>Whether Euler's noise ratios lie evenly in log σ (<c>interpolation_type: log_linear</c>).</summary>
    public bool LogLinearInterpolation { get; init; }

    /// <summary>Whether Euler tells a velocity model log(σ)/4 instead of a timestep (<c>timestep_type: continuous</c>).</summary>
    public bool ContinuousTimesteps { get; init; }

    public FinalSigma FinalSigma { get; init; }

    /// <summary>From 1 to 3, of DPM-Solver++.</summary>
    public int SolverOrder { get; init; } = 2;

    public SolverType SolverType { get; init; }

    /// <summary>Whether DPM-Solver++ adds noise in each step (<c>algorithm_type: sde-dpmsolver++</c>).</summary>
    public bool Stochastic { get; init; }

    public bool LowerOrderFinal { get; init; } = true;

    public bool EulerAtFinal { get; init; }

    /// <summary>DPM-Solver++ leaves out the timesteps whose log(α/σ) is below this; null: none.</summary>
    public double? LambdaMinClipped { get; init; }

    public PosteriorVariance Variance { get; init; }

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>Checks that the values make a schedule.</summary>
    /// <exception cref="InvalidDataException">One does not; it is named with its value and range.</exception>
    public void Validate()
    {
        Check("num_train_timesteps", TrainingSteps, TrainingSteps is >= 1 and <= 1_000_000, "from 1 to 1,000,000");
        Check("beta_start", BetaStart, BetaStart is > 0 and < 1, "above 0 and below 1");
        Check("beta_end", BetaEnd, BetaEnd < 1 && BetaEnd >= BetaStart, FormattableString.Invariant($"at least beta_start, {BetaStart}{Keys.Note("beta_start")}, and below 1"));
        Check("trained_betas", TrainedBetas?.Count, TrainedBetas is null || TrainedBetas.Count == TrainingSteps, $"of num_train_timesteps = {TrainingSteps}{Keys.Note("num_train_timesteps")} values");
        Check("trained_betas", TrainedBetas, TrainedBetas is null || TrainedBetas.All(beta => beta is >= 0 and <= 1), "values from 0 to 1");
        Check("steps_offset", StepsOffset, StepsOffset >= 0, "at least 0");
        Check("clip_sample_range", ClipSampleRange, ClipSampleRange > 0, "above 0");
        Check("sigma_min", SigmaMin, SigmaMin is null or > 0, "above 0");
        Check("sigma_max", SigmaMax, SigmaMax is null || SigmaMax > (SigmaMin ?? 0), "above sigma_min");
        Check("solver_order", SolverOrder, SolverOrder is >= 1 and <= 3, "1, 2 or 3");
        Check("rescale_betas_zero_snr", RescaleBetasZeroSnr, !RescaleBetasZeroSnr || TrainingSteps > 1, "false where there is one timestep");
    }

    private void Check(string key, object? value, bool isValid, string range)
    {
        if (!isValid) throw new InvalidDataException(FormattableString.Invariant($"scheduler_config.json: '{key}' is {value ?? "null"}{Keys.Note(key)}; it must be {range}."));
    }
}
