using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The way of one sampling from noise to a sample: which timesteps it visits and how a prediction leads from one to the next.
/// Formulas and tables are those of diffusers' schedulers of the same names.
/// </summary>
/// <remarks>
/// <para>The caller goes through <see cref="Timesteps"/> by index, from 0 or from a later one (image to image): scale the sample with
/// <see cref="ScaleInput"/>, ask the denoiser at that timestep, and take <see cref="Step"/>.</para>
/// <para>Multistep solvers remember earlier predictions, so an object serves one sampling (of any number of rows) and is disposed after it.
/// Rows never mix. Tensors may lie on any device; coefficients are numbers. Not thread-safe.</para>
/// </remarks>
internal abstract class DiffusionScheduler : IDisposable
{
    /// <param name="config">Checked here.</param>
    /// <param name="steps">From 1 to the timesteps of training.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no or too many steps.</exception>
    protected DiffusionScheduler(SchedulerConfig config, int steps)
    {
        config.Validate();
        if (steps < 1 || steps > config.TrainingSteps)
            throw WrongSteps(steps, $"it must be between 1 and {config.TrainingSteps}, the timesteps that the visualizer was trained with.");
        Config = config;
        Steps = steps;
        Noise = new NoiseSchedule(config);
    }

    public SchedulerConfig Config { get; }

    /// <summary>The steps that were asked for; some schedulers visit more timesteps.</summary>
    public int Steps { get; }

    public NoiseSchedule Noise { get; protected init; }

    /// <summary>What the denoiser is told in each step, falling; not always whole.</summary>
    public abstract IReadOnlyList<double> Timesteps { get; }

    /// <summary>Unit noise times this is what a sampling from nothing begins with.</summary>
    public virtual double InitialNoiseScale => 1;

    /// <summary>Whether <see cref="Step"/> takes fresh noise.</summary>
    public virtual bool NeedsNoise => false;

    /// <summary>Makes the scheduler that a configuration names.</summary>
    public static DiffusionScheduler Create(SchedulerConfig config, int steps) => config.Kind switch
    {
        DiffusionSchedulerKind.Pndm => new PndmScheduler(config, steps),
        DiffusionSchedulerKind.Ddim => new DdimScheduler(config, steps),
        DiffusionSchedulerKind.Euler => new EulerScheduler(config, steps),
        DiffusionSchedulerKind.EulerAncestral => new EulerAncestralScheduler(config, steps),
        DiffusionSchedulerKind.DpmSolverMultistep => new DpmSolverMultistepScheduler(config, steps),
        DiffusionSchedulerKind.Ddpm => new DdpmScheduler(config, steps),
        _ => throw new ArgumentOutOfRangeException(nameof(config), config.Kind, "Unknown scheduler."),
    };

    /// <summary>The sample as the denoiser wants to see it.</summary>
    public Tensor ScaleInput(Tensor sample, int index)
    {
        double scale = InputScale(index);
        return scale == 1 ? sample.alias() : sample * (float)scale;
    }

    /// <summary>A clean sample with the noise of a timestep, where an image-to-image sampling begins.</summary>
    public Tensor AddNoise(Tensor sample, Tensor noise, int index)
    {
        (double signal, double spread) = Mixture(index);
        return Combine(sample, signal, noise, spread);
    }

    /// <summary>The clean sample that a prediction amounts to.</summary>
    public Tensor PredictedSample(Tensor sample, Tensor prediction, int index)
    {
        (double signal, double spread) = Mixture(index);
        return Config.Prediction switch
        {
            DiffusionPrediction.Sample => prediction.alias(),
            // A sample x₀ + σ·ε is seen by the denoiser as (x₀ + σ·ε)/√(1 + σ²); a velocity belongs to that one.
            DiffusionPrediction.Velocity => Combine(sample, signal / (signal * signal + spread * spread), prediction, -spread / Math.Sqrt(signal * signal + spread * spread)),
            DiffusionPrediction.Epsilon when signal == 0 => throw NoSignal(index),
            DiffusionPrediction.Epsilon => Combine(sample, 1 / signal, prediction, -spread / signal),
            _ => throw new InvalidOperationException($"Unknown prediction {Config.Prediction}."),
        };
    }

    /// <summary>The sample of the next timestep, or the clean one after the last.</summary>
    /// <param name="sample">The present one, as it was before <see cref="ScaleInput"/>.</param>
    /// <param name="prediction">What the denoiser said about it.</param>
    /// <param name="index">The number of the timestep; each follows the one before.</param>
    /// <param name="noise">Unit noise, where <see cref="NeedsNoise"/>.</param>
    public abstract Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null);

    public virtual void Dispose()
    {
    }

    /// <summary>What the sample is multiplied with for the denoiser.</summary>
    protected virtual double InputScale(int index) => 1;

    /// <summary>The parts of picture and noise in a sample of this scheduler at a timestep.</summary>
    protected abstract (double Signal, double Spread) Mixture(int index);

    /// <summary>The noise that a prediction amounts to.</summary>
    protected Tensor PredictedNoise(Tensor sample, Tensor prediction, double signal, double spread) => Config.Prediction switch
    {
        DiffusionPrediction.Epsilon => prediction.alias(),
        DiffusionPrediction.Velocity => Combine(prediction, signal, sample, spread),
        DiffusionPrediction.Sample => Combine(sample, 1 / spread, prediction, -signal / spread),
        _ => throw new InvalidOperationException($"Unknown prediction {Config.Prediction}."),
    };

    /// <summary>Keeps a predicted picture within its range where the configuration says so.</summary>
    protected Tensor Clip(Tensor predicted) => Config.ClipSample ?? true ? predicted.clamp(-(float)Config.ClipSampleRange, (float)Config.ClipSampleRange) : predicted.alias();

    /// <summary>a·x + b·y.</summary>
    protected static Tensor Combine(Tensor x, double a, Tensor y, double b)
    {
        using Tensor scaled = x * (float)a;
        return scaled.add(y, (float)b);
    }

    /// <summary>Timesteps that point into training's tables. diffusers fails at the first one that does not, with the index alone.</summary>
    /// <param name="spaced">The timesteps of so many steps.</param>
    protected IReadOnlyList<double> Indexable(Func<int, IReadOnlyList<double>> spaced)
    {
        IReadOnlyList<double> timesteps = spaced(Steps);
        double outside = Outside(timesteps);
        if (double.IsNaN(outside)) return timesteps;
        int fewer = Enumerable.Range(1, Steps - 1).Select(less => Steps - less).FirstOrDefault(count => double.IsNaN(Outside(spaced(count))));
        string advice = fewer > 0 ? $"Take {fewer}, the next smaller number that fits, or another scheduler." : "Take another scheduler.";
        throw WrongSteps(Steps, FormattableString.Invariant($"{Config.Kind} would begin at timestep {outside}, but training had the timesteps 0 to {Config.TrainingSteps - 1} (leading timesteps, steps_offset {Config.StepsOffset}). {advice}"));
    }

    /// <summary>The steps cannot be taken; the message names the option as users know it.</summary>
    protected static ArgumentOutOfRangeException WrongSteps(int steps, string why) => new(nameof(Steps), $"{nameof(Steps)} is {steps}; {why}");

    private double Outside(IReadOnlyList<double> timesteps) => timesteps.FirstOrDefault(t => t < 0 || t >= Config.TrainingSteps, double.NaN);

    protected Tensor Required(Tensor? noise) => noise ?? throw new ArgumentNullException(nameof(noise), $"{GetType().Name} needs noise in every step.");

    private InvalidOperationException NoSignal(int index)
        => new($"At timestep {Timesteps[index]} a sample is all noise (rescale_betas_zero_snr), and a prediction of that noise says nothing about the picture. Such schedules go with models that predict velocity or the sample.");
}
