using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The stages of drawing, each a function of its arguments: schedule, begin, denoise, decode.</summary>
internal static class DiffusionSampling
{
    /// <summary>The scheduler of one sampling: the visualizer's own, or another one that takes over its settings.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More steps than the visualizer was trained with.</exception>
    /// <exception cref="ArgumentException">Karras spacing is asked of a scheduler that has none.</exception>
    public static DiffusionScheduler Schedule(SchedulerConfig own, ImageGenerationOptions options)
    {
        SchedulerConfig config = Chosen(own, options);
        if (options.KarrasSigmas == true && config.Kind is not (DiffusionSchedulerKind.Euler or DiffusionSchedulerKind.DpmSolverMultistep))
            throw new ArgumentException($"{nameof(options.KarrasSigmas)} is true, but {config.Kind} has no noise levels to space. Choose the {nameof(options.Scheduler)} {DiffusionSchedulerKind.Euler} or {DiffusionSchedulerKind.DpmSolverMultistep}, or leave {nameof(options.KarrasSigmas)} out.", nameof(options));
        return DiffusionScheduler.Create(config, options.Steps);
    }

    /// <summary>The configuration of the scheduler that options choose.</summary>
    public static SchedulerConfig Chosen(SchedulerConfig own, ImageGenerationOptions options)
    {
        SchedulerConfig config = options.Scheduler is { } kind ? own with { Kind = kind } : own;
        return options.KarrasSigmas is { } karras ? config with { SigmaSpacing = karras ? SigmaSpacing.Karras : SigmaSpacing.Timesteps } : config;
    }

    /// <summary>The index of the timestep at which a drawing begins that starts from a picture.</summary>
    /// <exception cref="ArgumentException">No step would be left.</exception>
    public static int Begin(int steps, double strength)
    {
        int taken = Math.Min((int)(steps * strength), steps);
        if (taken == 0) throw new ArgumentException(FormattableString.Invariant($"{nameof(ImageGenerationOptions.Strength)} {strength} of {steps} steps leaves no step; take at least {1.0 / steps:G3}, or more steps."), nameof(strength));
        return steps - taken;
    }

    /// <summary>From the sample of timestep <paramref name="begin"/> to a clean one.</summary>
    /// <param name="guidance">What is asked.</param>
    /// <param name="scheduler">Fresh: it has not been stepped.</param>
    /// <param name="sample">Stays the caller's.</param>
    /// <param name="begin">The index of the first timestep.</param>
    /// <param name="noise">For schedulers that need it in each step.</param>
    /// <param name="progress">Told the index of each step and a function that gives the sample that it predicted.</param>
    /// <param name="cancellation">Ends the sampling between two steps.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Tensor Denoise(
        ClassifierFreeGuidance guidance,
        DiffusionScheduler scheduler,
        Tensor sample,
        int begin,
        RowNoise noise,
        Action<int, Func<Tensor>>? progress = null,
        CancellationToken cancellation = default)
    {
        using var outer = NewDisposeScope();
        Tensor current = sample;
        for (int index = begin; index < scheduler.Timesteps.Count; index++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            (Tensor present, int step) = (current, index);
            Tensor prediction = guidance.Predict(scheduler.ScaleInput(present, step), scheduler.Timesteps[step]);
            current = scheduler.Step(present, prediction, step, scheduler.NeedsNoise ? noise.Next() : null).MoveToOuterDisposeScope();
            progress?.Invoke(step, () => scheduler.PredictedSample(present, prediction, step));
            if (index > begin) present.Dispose();
        }
        return current.MoveToOuterDisposeScope();
    }

    /// <summary>The samples of pictures <c>[b, 3, H, W]</c> in 0 … 1. Encoding takes about the memory that decoding does.</summary>
    public static Tensor Encode(IPictureCodec codec, Tensor pictures, int rowsAtATime)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long row = 0; row < pictures.shape[0]; row += rowsAtATime)
        {
            using var part = NewDisposeScope();
            parts.Add(codec.Encode(pictures.narrow(0, row, Math.Min(rowsAtATime, pictures.shape[0] - row)) * 2f - 1f).MoveToOuterDisposeScope());
        }
        return (parts.Count == 1 ? parts[0] : cat(parts.ToArray(), 0)).MoveToOuterDisposeScope();
    }

    /// <summary>Pictures <c>[b, 3, H, W]</c> in 0 … 1 on the CPU.</summary>
    public static Tensor Decode(IPictureCodec codec, Tensor samples, int rowsAtATime)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long row = 0; row < samples.shape[0]; row += rowsAtATime)
        {
            using var part = NewDisposeScope();
            Tensor decoded = codec.Decode(samples.narrow(0, row, Math.Min(rowsAtATime, samples.shape[0] - row)));
            parts.Add((decoded * 0.5f + 0.5f).clamp(0, 1).to(ScalarType.Float32).cpu().MoveToOuterDisposeScope());
        }
        return (parts.Count == 1 ? parts[0] : cat(parts.ToArray(), 0)).MoveToOuterDisposeScope();
    }
}
