using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Looks at an autoencoder while it learns: its losses on pictures that it does not learn, and the pictures beside what it gives back.</summary>
/// <param name="model">The autoencoder that trains.</param>
/// <param name="device">Where its parameters are.</param>
/// <param name="trainer">Its training.</param>
/// <param name="pictures">The pictures that it does not learn.</param>
/// <param name="settings">When, and where what is seen goes.</param>
internal sealed class AutoencoderValidation(AutoencoderKL model, Device device, AutoencoderKLTrainer trainer, TrainingPictures pictures, ValidationSettings settings)
{
    /// <summary>The step after which the last validation was; null before the first.</summary>
    public long? LastStep { get; private set; }

    /// <summary>Evaluates with the weights as a training that ended now would leave them.</summary>
    /// <returns>The losses; null where no row has a picture.</returns>
    public AutoencoderLosses? Run(long step)
    {
        LastStep = step;
        AutoencoderLosses? evaluated = null;
        trainer.WithAverages(() =>
        {
            if (!ValidationRows.TryEvaluate(pictures.BatchesOnce(), trainer.Evaluate, out AutoencoderLosses losses)) return;
            evaluated = losses;
            settings.Show(step, losses.Total, Sheet);
        });
        return evaluated;
    }

    /// <summary>True pictures, each with what comes back from the mode of its latents on its right.</summary>
    private RgbImage Sheet()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using Tensor given = pictures.Pixels(pictures.First(settings.Pictures));
        Tensor back = cat([.. Enumerable.Range(0, (int)given.shape[0]).Select(i => GivenBack(given.narrow(0, i, 1)))], 0);
        return ContactSheet.Of(PicturePixels.ToImages(given), PicturePixels.ToImages(back));
    }

    // One by one: a sheet takes no more memory than a step of one picture.
    private Tensor GivenBack(Tensor picture)
    {
        using var scope = NewDisposeScope();
        Tensor decoded = model.Decode(model.Encode(picture.to(device) * 2f - 1f).Mean);
        return (decoded / 2f + 0.5f).clamp(0, 1).cpu().MoveToOuterDisposeScope();
    }
}
