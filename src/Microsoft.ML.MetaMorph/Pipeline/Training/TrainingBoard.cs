using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A training's figures and pictures as TensorBoard reads them.</summary>
/// <param name="folder">The folder; an event file of its own is begun in it.</param>
/// <remarks>Every entry opens and closes the file, so nothing is lost where a training ends in the middle.</remarks>
internal sealed class TrainingBoard(string folder)
{
    private readonly SummaryWriter _writer = utils.tensorboard.SummaryWriter(folder);

    /// <summary>What every step of a training on pictures tells.</summary>
    public void AddStep(PictureProgress step, double loss)
    {
        Add("train/loss", loss, step.Step);
        Add("train/learning rate", step.LearningRate, step.Step);
        Add("train/gradient norm", step.GradientNorm, step.Step);
    }

    /// <summary>What every step of every training tells.</summary>
    public void AddStep(TrainingStatus step)
    {
        Add("train/loss", step.Loss, step.Step);
        Add("train/language loss", step.LanguageLoss, step.Step);
        Add("train/visual loss", step.VisualLoss, step.Step);
        Add("train/learning rate", step.LearningRate, step.Step);
        if (step.GradientNorm is { } norm) Add("train/gradient norm", norm, step.Step);
        Add("train/items a second", step.ItemsPerSecond, step.Step);
        if (step.ValidationLoss is { } loss) Add("validation/loss", loss, step.Step);
    }

    public void Add(string tag, double value, long step) => _writer.add_scalar(tag, (float)value, checked((int)step));

    /// <summary>Adds the picture of a PNG file.</summary>
    public void AddPicture(string tag, string path, long step) => _writer.add_img(tag, path, checked((int)step));
}
