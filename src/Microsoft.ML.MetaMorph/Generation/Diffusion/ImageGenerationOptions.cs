using static Microsoft.ML.MetaMorph.OptionBounds;

namespace Microsoft.ML.MetaMorph;

/// <summary>How pictures are drawn from visual tokens: steps, guidance, size, and what may be computed at a time.</summary>
/// <remarks>
/// Every setter checks its value and throws <see cref="ArgumentOutOfRangeException"/> with the value and the bound. The defaults are the
/// published MetaMorph's: 50 steps of the visualizer's own scheduler, guidance 7.5. The object may be shared between threads as long as nobody
/// changes it.
/// </remarks>
public sealed class ImageGenerationOptions
{
    /// <summary>Steps from noise to picture: from 1 to the timesteps that the visualizer was trained with (1,000 as published; 999 with PNDM, DDIM and DDPM where its steps_offset is 1, as Stable Diffusion's is). Default 50.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int Steps { get; set => field = InRange(value, 1, int.MaxValue, nameof(Steps)); } = 50;

    /// <summary>
    /// How much a picture follows its tokens (classifier-free guidance, arXiv 2207.12598): 1 or less draws from the tokens alone, above 1 away from
    /// what the visualizer draws without them, at twice the time. Default 7.5 (the paper also tried 6, 10 and 12.5); 1.5 to 3 suits small visualizers
    /// trained from nothing. Range 0 to 1000.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 1000 or not a number.</exception>
    public double GuidanceScale { get; set => field = InRange(value, 0, 1000, nameof(GuidanceScale)); } = 7.5;

    /// <summary>How much of the contrast that guidance adds is taken back (arXiv 2305.08891, section 3.4). 0 (default) is none. Range 0 to 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 1 or not a number.</exception>
    public double GuidanceRescale { get; set => field = InRange(value, 0, 1, nameof(GuidanceRescale)); }

    /// <summary>The scheduler. Null (default) takes the visualizer's own; another one takes over the settings that both know.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a defined value.</exception>
    public DiffusionSchedulerKind? Scheduler
    {
        get;
        set => field = value is null || Enum.IsDefined(value.Value) ? value : throw new ArgumentOutOfRangeException(nameof(Scheduler), $"{nameof(Scheduler)} is {(int)value.Value}; it must be {string.Join(", ", Enum.GetValues<DiffusionSchedulerKind>().Select(kind => $"{(int)kind} ({kind})"))}.");
    }

    /// <summary>Whether the noise levels of Euler and DPM-Solver++ are spaced as of Karras et al., 2022; with the other schedulers true is refused when drawing is set up. Null (default) keeps the scheduler's own.</summary>
    public bool? KarrasSigmas { get; set; }

    /// <summary>Width of a picture in pixels, at least 1; a multiple of what the visualizer needs. Null (default) takes that of its training.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1 or above 65,536.</exception>
    public int? Width { get; set => field = Size(value, nameof(Width)); }

    /// <summary>Height of a picture in pixels, at least 1; a multiple of what the visualizer needs. Null (default) takes that of its training.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1 or above 65,536.</exception>
    public int? Height { get; set => field = Size(value, nameof(Height)); }

    /// <summary>
    /// How far a drawing that starts from a picture may leave it: this share of the steps is taken, so that 1 keeps nothing of it. Default 0.8.
    /// Range above 0 to 1. Without effect on drawings from noise: it needs <see cref="DrawingOptions.StartImageColumnName"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 1, 0, or not a number.</exception>
    public double Strength { get; set => field = value > 0 ? InRange(value, 0, 1, nameof(Strength)) : throw new ArgumentOutOfRangeException(nameof(Strength), FormattableString.Invariant($"{nameof(Strength)} is {value}; it must be above 0 and at most 1.")); } = 0.8;

    /// <summary>Where the noise of a picture starts; a seed gives the same picture alone, in a batch, and on every device. Null (default) draws anew each time (a pipeline takes the seed of its <see cref="MLContext"/>).</summary>
    public int? Seed { get; set; }

    /// <summary>The most pictures that are drawn at a time, 1 or more. It does not change them beyond rounding. Default 8.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int MaximumBatchSize { get; set => field = InRange(value, 1, int.MaxValue, nameof(MaximumBatchSize)); } = 8;

    /// <summary>
    /// Bytes that drawing may take beside the weights, at least 1; fewer pictures are drawn at a time where it is short, and a picture that does not fit
    /// alone is refused. Null (default): half of the memory that is free.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public long? MemoryBudget { get; set => field = value is null or >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(MemoryBudget), $"{nameof(MemoryBudget)} is {value}; it must be at least 1."); }

    /// <summary>Whether a negative prediction is needed.</summary>
    internal bool IsGuided => GuidanceScale > 1;

    /// <summary>A copy that can be changed on its own.</summary>
    public ImageGenerationOptions Clone() => (ImageGenerationOptions)MemberwiseClone();

    private static int? Size(int? value, string name) => value is { } size ? InRange(size, 1, 65_536, name) : null;
}
