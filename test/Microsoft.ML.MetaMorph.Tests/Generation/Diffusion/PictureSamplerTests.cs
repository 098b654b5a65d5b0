using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class PictureSamplerTests
{
    private static readonly SchedulerConfig Config = SchedulerConfig.StableDiffusion with { Kind = DiffusionSchedulerKind.Ddim, SetAlphaToOne = true };

    private static ImageGenerationOptions Options => new() { Steps = 6, GuidanceScale = 3 };

    [TestMethod]
    public void ARowDrawsTheSamePictureAloneAndInAnyBatch()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(5);
        long[] seeds = [7, 1, 7, 3, 9];
        foreach (DiffusionSchedulerKind kind in Enum.GetValues<DiffusionSchedulerKind>())
        {
            ImageGenerationOptions options = Options;
            options.Scheduler = kind;
            Tensor all = Sampler().Draw(tokens, seeds, options);
            CollectionAssert.AreEqual(new long[] { 5, 3, 8, 8 }, all.shape);
            options.MaximumBatchSize = 2;
            TensorAssert.AreClose(all, Sampler().Draw(tokens, seeds, options), 1e-6, $"{kind}: in pairs");
            for (int row = 0; row < 5; row++)
                TensorAssert.AreClose(all[row], Sampler().Draw(tokens.narrow(0, row, 1), [seeds[row]], options)[0], 1e-6, $"{kind}: row {row} alone");
        }
    }

    [TestMethod]
    public void TheSeedDecidesThePicture()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(1);
        Tensor first = Sampler().Draw(tokens, [4], Options), again = Sampler().Draw(tokens, [4], Options), other = Sampler().Draw(tokens, [5], Options);
        TensorAssert.AreIdentical(first, again, "picture");
        Assert.IsGreaterThan(0.01f, (first - other).abs().max().item<float>());
    }

    [TestMethod]
    public void TheNoiseIsThatOfAGeneratorOfTheSeed()
    {
        using var scope = NewDisposeScope();
        using var noise = new RowNoise([11, 12], [3, 4, 4], CPU);
        using Generator generator = new(12);
        foreach (string time in new[] { "first", "second" })
            TensorAssert.AreIdentical(randn([1, 3, 4, 4], generator: generator)[0], noise.Next()[1], time);
    }

    [TestMethod]
    public void GuidanceOfOneOrLessAsksOnceAndIgnoresTheNegative()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(2);
        var denoiser = new PlainDenoiser();
        ImageGenerationOptions options = Options;
        options.GuidanceScale = 1;
        Tensor unguided = Sampler(denoiser).Draw(tokens, [1, 2], options);
        CollectionAssert.AreEqual(Enumerable.Repeat(2L, 6).ToArray(), denoiser.Calls.ToArray());
        TensorAssert.AreIdentical(unguided, Sampler().Draw(tokens, [1, 2], options, negativeTokens: tokens * 9f), "with a negative");
        options.GuidanceScale = 0.5;
        TensorAssert.AreIdentical(unguided, Sampler().Draw(tokens, [1, 2], options), "below one");
        options.GuidanceScale = 3;
        Tensor guided = Sampler().Draw(tokens, [1, 2], options);
        Assert.IsGreaterThan(0.01f, (guided - unguided).abs().max().item<float>());
        TensorAssert.AreClose(guided, Sampler().Draw(tokens, [1, 2], options, negativeTokens: zeros_like(tokens)), 1e-6, "a negative of zeros is none");
        TensorAssert.AreClose(unguided, Sampler().Draw(tokens, [1, 2], options, negativeTokens: tokens), 1e-5, "leading away from itself leads nowhere");
    }

    [TestMethod]
    public void GuidanceIsTheWrittenFormula()
    {
        using var scope = NewDisposeScope();
        Tensor conditioned = tensor(new float[] { 1, 2, 3, 4 }, [1, 1, 2, 2]), unconditioned = tensor(new float[] { 0, 1, 1, 0 }, [1, 1, 2, 2]);
        Tensor expected = tensor(new float[] { 2, 3, 5, 8 }, [1, 1, 2, 2]);
        TensorAssert.AreClose(expected, ClassifierFreeGuidance.Guided(conditioned, unconditioned, 2, 0), 1e-6, "scale 2");
        // Deviations with n − 1: √(5/3) and √7.
        double back = Math.Sqrt(5.0 / 3) / Math.Sqrt(7);
        TensorAssert.AreClose(expected * (float)back, ClassifierFreeGuidance.Guided(conditioned, unconditioned, 2, 1), 1e-5, "whole rescale");
        TensorAssert.AreClose(expected * (float)(0.3 * back + 0.7), ClassifierFreeGuidance.Guided(conditioned, unconditioned, 2, 0.3), 1e-5, "part of it");
    }

    [TestMethod]
    public void LittleMemoryMeansSmallerCallsAndTheSamePictures()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(3);
        long[] seeds = [1, 2, 3];
        Tensor all = Sampler().Draw(tokens, seeds, Options);
        foreach ((long budget, long rows) in new[] { (1_000_000L, 6L), (4_500L, 4L), (2_000L, 2L), (1_999L, 1L) })
        {
            var denoiser = new PlainDenoiser();
            ImageGenerationOptions options = Options;
            options.MemoryBudget = budget;
            TensorAssert.AreClose(all, Sampler(denoiser).Draw(tokens, seeds, options), 1e-6, $"budget {budget}");
            Assert.AreEqual(rows, denoiser.Calls.Max(), $"budget {budget}");
        }
        ImageGenerationOptions tooLittle = Options;
        tooLittle.MemoryBudget = 999;
        TensorAssert.Throws<InsufficientMemoryException>(() => Sampler().Draw(tokens, seeds, tooLittle), "8x8 pixels", "0.0 MB", "MemoryBudget");
        TensorAssert.Throws<InsufficientMemoryException>(() => DrawingPlan.Create(new PlainDenoiser { BytesPerRow = 60_000_000 }, new PlainCodec(), Options, available: 100_000_000), "60.0 MB", "50.0 MB (half of what is free)");
    }

    [TestMethod]
    public void APerfectDenoiserGivesThePictureBack()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        Tensor pictures = rand([2, 3, 8, 8], generator: generator), clean = new PlainCodec().Encode(pictures * 2f - 1f);
        var schedule = new NoiseSchedule(Config);
        var denoiser = new PlainDenoiser
        {
            Answer = (samples, timesteps, _) =>
            {
                double alpha = schedule.AlphasCumulative[(int)timesteps[0].item<float>()];
                return (samples - clean * (float)Math.Sqrt(alpha)) / (float)Math.Sqrt(1 - alpha);
            },
        };
        ImageGenerationOptions options = Options;
        options.GuidanceScale = 1;
        TensorAssert.AreClose(pictures, Sampler(denoiser).Draw(Tokens(2), [1, 2], options), 1e-3, "from noise");
        options.Strength = 0.5;
        var half = new PlainDenoiser { Answer = denoiser.Answer };
        TensorAssert.AreClose(pictures, Sampler(half).Draw(Tokens(2), [1, 2], options, start: pictures), 1e-3, "from itself");
        Assert.HasCount(3, half.Calls);
    }

    [TestMethod]
    public void LessStrengthKeepsMoreOfThePicture()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        Tensor picture = rand([1, 3, 8, 8], generator: generator);
        ImageGenerationOptions options = Options;
        options.Steps = 20;
        double Distance(double strength)
        {
            options.Strength = strength;
            return (Sampler().Draw(Tokens(1), [1], options, start: picture) - picture).abs().mean().item<float>();
        }
        double low = Distance(0.1), middle = Distance(0.5), high = Distance(1);
        Assert.IsLessThan(middle, low);
        Assert.IsLessThan(high, middle);
        options.Strength = 0.04;
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(1), [1], options, start: picture), "Strength 0.04 of 20 steps", "0.05");
    }

    [TestMethod]
    public void OtherSizesAreDrawnIfTheyDivide()
    {
        using var scope = NewDisposeScope();
        ImageGenerationOptions options = Options;
        (options.Width, options.Height) = (16, 12);
        CollectionAssert.AreEqual(new long[] { 1, 3, 12, 16 }, Sampler().Draw(Tokens(1), [1], options).shape);
        options.Width = 18;
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(1), [1], options), "Width is 18", "multiple of 4", "16 or 20");
        options.Width = 3;
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(1), [1], options), "Width is 3", "such as 4.");
        options.Width = 16;
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(1), [1], options, start: zeros(1, 3, 12, 20)), "Width is 16", "20 pixels");
        options.Steps = 1001;
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => Sampler().Draw(Tokens(1), [1], options), "Steps is 1001; it must be between 1 and 1000");
    }

    [TestMethod]
    public void WrongShapesAreNamed()
    {
        using var scope = NewDisposeScope();
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(zeros(2, 3), [1, 2], Options), "[2, 3]", "[rows, tokens, width]");
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(2), [1], Options), "2 rows", "1 seeds");
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(2), [1, 2], Options, start: zeros(2, 1, 8, 8)), "[2, 1, 8, 8]");
        TensorAssert.Throws<ArgumentException>(() => Sampler().Draw(Tokens(2), [1, 2], Options, negativeTokens: zeros(2, 4, 4)), "[2, 4, 4]", "[1 or 2, 4, 3]");
    }

    [TestMethod]
    public void ProgressCountsStepsAndShowsWhatComes()
    {
        using var scope = NewDisposeScope();
        var steps = new List<(int, int, int, int)>();
        Tensor? last = null;
        ImageGenerationOptions options = Options;
        options.MaximumBatchSize = 2;
        Tensor drawn = Sampler().Draw(Tokens(3), [1, 2, 3], options, progress: p =>
        {
            steps.Add((p.FirstRow, p.Rows, p.Step, p.Steps));
            if (p.Step == p.Steps) last = p.Preview().DetachFromDisposeScope();
        });
        CollectionAssert.AreEqual(Enumerable.Range(1, 6).Select(s => (0, 2, s, 6)).Concat(Enumerable.Range(1, 6).Select(s => (2, 1, s, 6))).ToArray(), steps);
        TensorAssert.AreClose(drawn.narrow(0, 2, 1), last!, 1e-5, "the last preview is the picture");
        last!.Dispose();
    }

    /// <summary>What a report is made of is the drawing's: whoever handles it later is told so, on any thread, and gets no tensor that is gone.</summary>
    [TestMethod]
    public void APreviewIsMadeWhileItsReportIsHandledAndNotLater()
    {
        using Tensor tokens = Tokens(2);
        long before = LiveTensors.OfThisThread;
        var reports = new List<DrawingProgress>();
        Tensor? elsewhere = null;
        using (Tensor drawn = Sampler().Draw(tokens, [1, 2], Options, progress: report =>
        {
            if (reports.Count > 0) AssertLate(reports[^1]);
            reports.Add(report);
            if (report.Step == report.Steps) OnAnotherThread(() => elsewhere = report.Preview());
        }))
        {
            TensorAssert.AreClose(drawn, elsewhere!, 1e-5, "the last preview, made on another thread");
            Assert.IsFalse(elsewhere!.requires_grad);
        }

        // Tensors are counted by thread: this one was not made on the test's.
        OnAnotherThread(elsewhere!.Dispose);
        foreach (DrawingProgress report in reports)
        {
            AssertLate(report);
            OnAnotherThread(() => AssertLate(report));
        }

        Assert.HasCount(6, reports);
        Assert.AreEqual(before, LiveTensors.OfThisThread);

        static void AssertLate(DrawingProgress report) => Assert.AreEqual(
            $"The preview of step {report.Step} of 6 can no longer be made: its report has been handled, and the drawing has gone on. System.Progress<T> hands reports on to be handled later, on another thread. "
            + "Give Progress an IProgress<DrawingStatus> of your own that calls Preview in its Report, at once, and hand the pictures on.",
            Assert.ThrowsExactly<InvalidOperationException>(() => report.Preview()).Message);
    }

    [TestMethod]
    public void ACancelledDrawingLeavesNothing()
    {
        using Tensor tokens = Tokens(2);
        long before = LiveTensors.OfThisThread;
        using var stop = new CancellationTokenSource();
        int done = 0;
        Assert.ThrowsExactly<OperationCanceledException>(() => Sampler().Draw(tokens, [1, 2], Options, cancellation: stop.Token, progress: p =>
        {
            done = p.Step;
            if (p.Step == 3) stop.Cancel();
        }));
        Assert.AreEqual(3, done);
        Assert.AreEqual(before, LiveTensors.OfThisThread);
    }

    [TestMethod]
    public void DrawingAgainAndAgainKeepsNoTensor()
    {
        using Tensor tokens = Tokens(3), picture = zeros(3, 3, 8, 8);
        long before = LiveTensors.OfThisThread;
        foreach (DiffusionSchedulerKind kind in Enum.GetValues<DiffusionSchedulerKind>())
        {
            ImageGenerationOptions options = Options;
            (options.Scheduler, options.MaximumBatchSize, options.GuidanceRescale) = (kind, 2, 0.5);
            for (int i = 0; i < 5; i++)
            {
                using Tensor drawn = Sampler().Draw(tokens, [1, 2, 3], options, i % 2 == 0 ? null : picture, progress: p => p.Preview().Dispose());
                Assert.AreEqual(before + 1, LiveTensors.OfThisThread, $"{kind}, drawing {i}");
            }
        }
        Assert.AreEqual(before, LiveTensors.OfThisThread);
    }

    [TestMethod]
    public void AnAnswerThatIsNotANumberNamesTheRow()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(3);
        tokens[2] = full([4, 3], float.NaN);
        TensorAssert.Throws<InvalidOperationException>(() => Sampler().Draw(tokens, [1, 2, 3], Options), "row 2", "not a number");
    }

    [TestMethod]
    public void AnAnswerThatIsNotANumberLeavesTheOthersAsTheyAreAlone()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(4), broken = tokens.clone();
        broken[1] = full([4, 3], float.NaN);
        broken[3] = full([4, 3], float.NaN);
        ImageGenerationOptions options = Options;
        options.MaximumBatchSize = 3;
        var unsound = new List<int>();
        Tensor drawn = Sampler().Draw(broken, [1, 2, 3, 4], options, unsound: unsound.Add);
        CollectionAssert.AreEqual(new[] { 1, 3 }, unsound);
        foreach (int row in new[] { 0, 2 }) TensorAssert.AreClose(Sampler().Draw(tokens.narrow(0, row, 1), [row + 1], options)[0], drawn[row], 1e-6, $"row {row}");
    }

    /// <summary>Encoding a picture takes about what decoding one does.</summary>
    [TestMethod]
    public void PicturesToBeginWithAreEncodedWithinTheBudget()
    {
        using var scope = NewDisposeScope();
        Tensor tokens = Tokens(5), pictures = rand(5, 3, 8, 8, generator: new Generator(3));
        ImageGenerationOptions options = Options;
        (options.Strength, options.MemoryBudget) = (0.5, 20_000);
        PlainCodec whole = new(), parts = new() { BytesPerRow = 9_000 };
        Tensor expected = new PictureSampler(new PlainDenoiser(), whole, Config).Draw(tokens, [1, 2, 3, 4, 5], options, pictures);
        TensorAssert.AreClose(expected, new PictureSampler(new PlainDenoiser(), parts, Config).Draw(tokens, [1, 2, 3, 4, 5], options, pictures), 1e-6, "in parts");
        CollectionAssert.AreEqual(new[] { 5L }, whole.Encoded.ToArray());
        CollectionAssert.AreEqual(new[] { 2L, 2L, 1L }, parts.Encoded.ToArray());
    }

    [TestMethod]
    public void ADenoiserOfOblongSamplesDrawsOblongPictures()
    {
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(new long[] { 1, 3, 8, 12 }, Sampler(new PlainDenoiser { SampleSize = (4, 6) }).Draw(Tokens(1), [1], Options).shape);
    }

    [TestMethod]
    public void PixelsBecomeBytes()
    {
        using var scope = NewDisposeScope();
        // Channels come first in a picture, last in an image.
        float[] values = [.. new[] { 0, 1, 128, 2, 255, 3, 9, 6, 8, 5, 7, 4 }.Select(value => value / 255f)];
        RgbImage[] images = PicturePixels.ToImages(tensor(values, [2, 3, 1, 2]));
        Assert.AreEqual((2, 1), (images[0].Width, images[0].Height));
        CollectionAssert.AreEqual(new byte[] { 0, 128, 255, 1, 2, 3 }, images[0].Pixels);
        CollectionAssert.AreEqual(new byte[] { 9, 8, 7, 6, 5, 4 }, images[1].Pixels);
        CollectionAssert.AreEqual(new byte[] { 0, 255, 128 }, PicturePixels.ToImages(tensor(new[] { -1f, 2f, 0.5f }, [1, 3, 1, 1]))[0].Pixels);
    }

    private static void OnAnotherThread(Action act)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                act();
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null) throw new AssertFailedException(failure.Message, failure);
    }

    private static PictureSampler Sampler(PlainDenoiser? denoiser = null) => new(denoiser ?? new PlainDenoiser(), new PlainCodec(), Config);

    private static Tensor Tokens(int rows)
    {
        using Generator generator = new(8);
        return randn([rows, 4, 3], generator: generator);
    }
}
