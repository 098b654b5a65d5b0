using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>When a training on pictures is looked at, and where what is seen goes.</summary>
/// <param name="Interval">Steps between two validations; null: one at the end.</param>
/// <param name="Pictures">How many pictures a sheet shows at most.</param>
/// <param name="Folder">Where sheets go; null for none.</param>
/// <param name="Board">Takes losses and sheets; null for none.</param>
internal sealed record ValidationSettings(int? Interval, int Pictures, string? Folder, TrainingBoard? Board)
{
    /// <summary>Whether a step is followed by a validation.</summary>
    public bool IsDue(long step) => Interval is { } interval && step > 0 && step % interval == 0;

    /// <summary>Tells a loss, and shows true pictures beside what the model makes of them.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="loss">On all validation rows.</param>
    /// <param name="sheet">Makes the sheet; called where somebody wants it.</param>
    public void Show(long step, double loss, Func<RgbImage> sheet)
    {
        Board?.Add("validation/loss", loss, step);
        if (Folder is not { } folder) return;
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"step-{step:D6}.png"));
        DrawnPicture.Save(sheet(), path);
        Board?.AddPicture("validation/pictures", path, step);
    }

    /// <summary>Those of a trainer's options.</summary>
    /// <param name="interval">Steps between two validations; null: one at the end.</param>
    /// <param name="pictures">How many pictures a sheet shows at most.</param>
    /// <param name="folder">Where sheets go; null: where the board is.</param>
    /// <param name="board">The board's folder; null for none.</param>
    public static ValidationSettings Of(int? interval, int pictures, string? folder, string? board) => new(interval, pictures, folder ?? board, board is null ? null : new TrainingBoard(board));

    /// <summary>Refuses options out of range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The option is named with its value.</exception>
    public static void Validate(int? validationInterval, int validationPictures)
    {
        if (validationInterval < 1) throw new ArgumentOutOfRangeException("ValidationInterval", validationInterval, $"ValidationInterval is {validationInterval}; at least 1 is needed.");
        if (validationPictures < 1) throw new ArgumentOutOfRangeException("ValidationPictures", validationPictures, $"ValidationPictures is {validationPictures}; at least 1 is needed.");
    }
}
