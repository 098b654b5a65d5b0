using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Looks at a visualizer while it learns: its loss on rows that it does not learn, and their pictures beside what it draws from their tokens.</summary>
/// <param name="model">The visualizer that trains.</param>
/// <param name="trainer">Its training.</param>
/// <param name="scheduler">How it draws.</param>
/// <param name="rows">The rows that it does not learn.</param>
/// <param name="settings">What is drawn, and where it goes.</param>
internal sealed class VisualizerValidation(VisualizerModel model, DiffusionTrainer trainer, SchedulerConfig scheduler, PicturesWithTokens rows, ValidationSettings settings)
{
    // Drawings of different steps differ by what was learnt, not by their noise.
    private const long DefaultSeed = 0;

    /// <summary>Evaluates and draws with the weights as a training that ended now would leave them.</summary>
    /// <returns>The loss; null where no row has a picture.</returns>
    public double? Run(long step)
    {
        double? evaluated = null;
        trainer.WithAverages(() =>
        {
            if (!ValidationRows.TryEvaluate(rows.Once(), trainer.Evaluate, out double loss)) return;
            evaluated = loss;
            settings.Board?.Add("validation/loss", loss, step);
            if (settings.Folder is not { } folder) return;
            string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D6}.png"));
            DrawnPicture.Save(Sheet(), path);
            settings.Board?.AddPicture("validation/pictures", path, step);
        });
        return evaluated;
    }

    /// <summary>True pictures, each with what is drawn from its tokens on its right.</summary>
    private RgbImage Sheet()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        (Tensor pictures, Tensor tokens) = First();
        ImageGenerationOptions options = settings.Generation.Clone();
        (options.Height, options.Width) = ((int)pictures.shape[2], (int)pictures.shape[3]);
        long seed = options.Seed ?? DefaultSeed;
        Tensor drawn = new PictureSampler(model, model.Codec(settings.Tiled), scheduler).Draw(tokens, [.. Enumerable.Range(0, (int)tokens.shape[0]).Select(i => seed + i)], options);
        return ContactSheet.Of(PicturePixels.ToImages(pictures), PicturePixels.ToImages(drawn));
    }

    private (Tensor Pictures, Tensor Tokens) First()
    {
        var pictures = new List<Tensor>();
        var tokens = new List<Tensor>();
        int missing = settings.Pictures;
        foreach (VisualizerBatch batch in rows.Once())
        {
            using VisualizerBatch owned = batch;
            int count = (int)Math.Min(missing, batch.Count);
            pictures.Add(batch.Pictures.narrow(0, 0, count).clone());
            tokens.Add(batch.VisualTokens.narrow(0, 0, count).clone());
            missing -= count;
            if (missing == 0) break;
        }
        return (cat(pictures.ToArray(), 0), cat(tokens.ToArray(), 0));
    }
}

/// <summary>What a validation draws, and where it goes.</summary>
/// <param name="Pictures">How many pictures are drawn at most.</param>
/// <param name="Folder">Where sheets go; null for none.</param>
/// <param name="Generation">How they are drawn.</param>
/// <param name="Board">Takes losses and sheets; null for none.</param>
/// <param name="Tiled">Whether they are decoded tile by tile.</param>
internal sealed record ValidationSettings(int Pictures, string? Folder, ImageGenerationOptions Generation, TrainingBoard? Board, bool Tiled = false);
