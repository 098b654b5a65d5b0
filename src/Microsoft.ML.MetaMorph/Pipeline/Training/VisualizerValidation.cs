using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Looks at a visualizer while it learns: its loss on rows that it does not learn, and their pictures beside what it draws from their tokens.</summary>
/// <param name="model">The visualizer that trains.</param>
/// <param name="trainer">Its training.</param>
/// <param name="scheduler">How it draws.</param>
/// <param name="rows">The rows that it does not learn.</param>
/// <param name="generation">How pictures are drawn; their size is the rows'.</param>
/// <param name="tiled">Whether pictures are decoded tile by tile.</param>
/// <param name="settings">When, and where what is seen goes.</param>
internal sealed class VisualizerValidation(VisualizerModel model, DiffusionTrainer trainer, SchedulerConfig scheduler, PicturesWithTokens rows, ImageGenerationOptions generation, bool tiled, ValidationSettings settings)
{
    // Drawings of different steps differ by what was learnt, not by their noise.
    private const long DefaultSeed = 0;

    /// <summary>The step after which the last validation was; null before the first.</summary>
    public long? LastStep { get; private set; }

    /// <summary>Refuses, before a training, what would end a validation in the middle of it: rows that cannot be read, options that cannot be drawn with.</summary>
    /// <exception cref="InvalidDataException">A row cannot be read; it is named.</exception>
    /// <exception cref="ArgumentException">The visualizer cannot draw with these options.</exception>
    /// <exception cref="InsufficientMemoryException">One picture takes more memory than there is.</exception>
    public void Require(CancellationToken cancellation)
    {
        if (settings.Folder is not null) DrawingPlan.Create(model, model.Codec(tiled), Sized(TrainableVisualizer.Side(model.Config)));
        rows.ReadAll(cancellation);
    }

    /// <summary>Evaluates and draws with the weights as a training that ended now would leave them.</summary>
    /// <returns>The loss; null where no row has a picture.</returns>
    public double? Run(long step)
    {
        LastStep = step;
        double? evaluated = null;
        trainer.WithAverages(() =>
        {
            if (!ValidationRows.TryEvaluate(rows.Once(), trainer.Evaluate, out double loss)) return;
            evaluated = loss;
            settings.Show(step, loss, Sheet);
        });
        return evaluated;
    }

    /// <summary>True pictures, each with what is drawn from its tokens on its right.</summary>
    private RgbImage Sheet()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using VisualizerBatch batch = rows.First(settings.Pictures);
        ImageGenerationOptions options = Sized((int)batch.Pictures.shape[2]);
        long seed = options.Seed ?? DefaultSeed;
        Tensor drawn = new PictureSampler(model, model.Codec(tiled), scheduler).Draw(batch.VisualTokens, [.. Enumerable.Range(0, (int)batch.Count).Select(i => seed + i)], options);
        return ContactSheet.Of(PicturePixels.ToImages(batch.Pictures), PicturePixels.ToImages(drawn));
    }

    private ImageGenerationOptions Sized(int side)
    {
        ImageGenerationOptions options = generation.Clone();
        (options.Height, options.Width) = (side, side);
        return options;
    }
}
