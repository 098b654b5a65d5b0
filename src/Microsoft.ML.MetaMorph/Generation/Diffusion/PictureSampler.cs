using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Draws pictures from visual tokens: noise → schedule → denoise → decode, as many rows at a time as memory allows.</summary>
/// <remarks>Thread-safe as far as denoiser and codec are: a drawing shares nothing else. Nothing that is made outlives a call but its result.</remarks>
internal sealed class PictureSampler(IDenoiser denoiser, IPictureCodec codec, SchedulerConfig scheduler)
{
    /// <summary>What to do about an answer that is not a number, for messages.</summary>
    public const string Unsound = "Look at the row's visual tokens; if they are sound, the weights are not, or the guidance is too strong for them.";

    /// <summary>A picture for each row of tokens.</summary>
    /// <param name="visualTokens"><c>[b, N, D]</c>, on any device.</param>
    /// <param name="seeds">Where the noise of each row starts.</param>
    /// <param name="options">Steps, guidance, size.</param>
    /// <param name="start">Pictures <c>[b, 3, H, W]</c> in 0 … 1 to begin with; null: noise.</param>
    /// <param name="negativeTokens"><c>[b, N, D]</c> or <c>[1, N, D]</c> that guidance leads away from; null: none, which is conditioning of zeros.</param>
    /// <param name="progress">Called after every step, on this thread.</param>
    /// <param name="unsound">Told the number of a row whose answer is not a number, and whose picture means nothing; the others are not touched by it. Null: such a row throws.</param>
    /// <param name="cancellation">Ends the drawing between two steps; nothing is returned then.</param>
    /// <returns><c>[b, 3, H, W]</c> in 0 … 1, float32 on the CPU.</returns>
    /// <exception cref="ArgumentException">Tokens, pictures or sizes do not fit the visualizer.</exception>
    /// <exception cref="InsufficientMemoryException">One picture alone takes more memory than there is.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Tensor Draw(
        Tensor visualTokens,
        IReadOnlyList<long> seeds,
        ImageGenerationOptions options,
        Tensor? start = null,
        Tensor? negativeTokens = null,
        Action<DrawingProgress>? progress = null,
        Action<int>? unsound = null,
        CancellationToken cancellation = default)
    {
        Check(visualTokens, seeds, start, negativeTokens);
        DrawingPlan plan = DrawingPlan.Create(denoiser, codec, options, start is null ? null : ((int)start.shape[2], (int)start.shape[3]));
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var pictures = new List<Tensor>();
        for (int row = 0; row < seeds.Count; row += plan.Rows)
        {
            int count = Math.Min(plan.Rows, seeds.Count - row);
            Tensor? negative = negativeTokens is null || negativeTokens.shape[0] == 1 ? negativeTokens : negativeTokens.narrow(0, row, count);
            var part = new Part(row, [.. seeds.Skip(row).Take(count)], visualTokens.narrow(0, row, count), start?.narrow(0, row, count), negative);
            pictures.Add(Draw(part, plan, options, progress, unsound ?? Refuse, cancellation));
        }
        return (pictures.Count == 1 ? pictures[0] : cat(pictures.ToArray(), 0)).MoveToOuterDisposeScope();
    }

    private Tensor Draw(Part part, DrawingPlan plan, ImageGenerationOptions options, Action<DrawingProgress>? progress, Action<int> unsound, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using DiffusionScheduler steps = DiffusionSampling.Schedule(scheduler, options);
        using var noise = new RowNoise(part.Seeds, [denoiser.Channels, plan.SampleHeight, plan.SampleWidth], denoiser.Device);
        int begin = part.Start is null ? 0 : DiffusionSampling.Begin(options.Steps, options.Strength);
        Tensor sample = part.Start is null
            ? noise.Next() * (float)steps.InitialNoiseScale
            : steps.AddNoise(DiffusionSampling.Encode(codec, part.Start.to(denoiser.Device).to(ScalarType.Float32), plan.Decoded), noise.Next(), begin);
        Action<int, Func<Tensor>>? onStep = progress is null ? null : (index, predicted) => Report(progress, part, index - begin + 1, steps.Timesteps.Count - begin, () => Preview(predicted, plan));
        Tensor drawn = DiffusionSampling.Denoise(Guidance(part, plan, options), steps, sample, begin, noise, onStep, cancellation);
        CheckFinite(drawn, part, unsound);
        return DiffusionSampling.Decode(codec, drawn, plan.Decoded).MoveToOuterDisposeScope();
    }

    private ClassifierFreeGuidance Guidance(Part part, DrawingPlan plan, ImageGenerationOptions options)
    {
        DiffusionConditioning positive = denoiser.Condition(part.Tokens.to(denoiser.Device));
        if (!options.IsGuided) return new ClassifierFreeGuidance(denoiser, positive);
        DiffusionConditioning negative = part.Negative is null ? positive.Zeros() : denoiser.Condition(part.Negative.expand(part.Tokens.shape).to(denoiser.Device));
        return new ClassifierFreeGuidance(denoiser, positive, negative, options.GuidanceScale, options.GuidanceRescale, plan.Apart);
    }

    private static void Report(Action<DrawingProgress> progress, Part part, int step, int steps, Func<Tensor> preview)
    {
        using var window = new PreviewWindow(step, steps, preview);
        progress(new DrawingProgress(part.FirstRow, part.Seeds.Count, step, steps, window.Make));
    }

    private Tensor Preview(Func<Tensor> predicted, DrawingPlan plan)
    {
        // Whoever handles a report may do so on another thread while this one waits; the mode belongs to a thread.
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return DiffusionSampling.Decode(codec, predicted(), plan.Decoded).MoveToOuterDisposeScope();
    }

    private static void Check(Tensor tokens, IReadOnlyList<long> seeds, Tensor? start, Tensor? negative)
    {
        if (tokens.dim() != 3) throw new ArgumentException($"Visual tokens have the shape [{string.Join(", ", tokens.shape)}]; [rows, tokens, width] is needed.", nameof(tokens));
        if (seeds.Count == 0) throw new ArgumentException("There are no rows to draw.", nameof(seeds));
        if (tokens.shape[0] != seeds.Count) throw new ArgumentException($"There are {tokens.shape[0]} rows of visual tokens and {seeds.Count} seeds.", nameof(seeds));
        if (start is not null && (start.dim() != 4 || start.shape[0] != seeds.Count || start.shape[1] != 3))
            throw new ArgumentException($"The pictures to begin with have the shape [{string.Join(", ", start.shape)}]; [{seeds.Count}, 3, height, width] is needed.", nameof(start));
        if (negative is not null && (negative.dim() != 3 || (negative.shape[0] != 1 && negative.shape[0] != seeds.Count) || !negative.shape.AsSpan(1).SequenceEqual(tokens.shape.AsSpan(1))))
            throw new ArgumentException($"The negative tokens have the shape [{string.Join(", ", negative.shape)}]; [1 or {seeds.Count}, {tokens.shape[1]}, {tokens.shape[2]}] is needed.", nameof(negative));
    }

    private static void CheckFinite(Tensor drawn, Part part, Action<int> unsound)
    {
        bool[] sound = drawn.flatten(1).isfinite().all(1).cpu().data<bool>().ToArray();
        for (int row = 0; row < sound.Length; row++)
        {
            if (!sound[row]) unsound(part.FirstRow + row);
        }
    }

    private static void Refuse(int row) => throw new InvalidOperationException(FormattableString.Invariant($"The visualizer's answer for row {row} is not a number. {Unsound}"));

    private sealed record Part(int FirstRow, IReadOnlyList<long> Seeds, Tensor Tokens, Tensor? Start, Tensor? Negative);
}
