namespace Quickstart;

/// <summary>What the command line asks for.</summary>
/// <param name="Plan">The world and the sizes of the models.</param>
/// <param name="Seed">Seed of the data, the start and the training.</param>
/// <param name="Budget">Time for everything.</param>
/// <param name="OutputFolder">Where the contact sheet and the model go.</param>
/// <param name="ScoreFile">Where the scores go as JSON; null for nowhere.</param>
/// <param name="FailsAtChance">Whether a score that guessing could have got ends the program with code 1.</param>
internal sealed record RunSettings(LearningPlan Plan, int Seed, TimeSpan Budget, string OutputFolder, string? ScoreFile, bool FailsAtChance)
{
    public string ModelFile => Path.Combine(OutputFolder, "metamorph.zip");

    public string ContactSheetFile => Path.Combine(OutputFolder, "contact-sheet.png");

    public TimeSpan EncoderTime => Budget * Plan.EncoderShare;

    public TimeSpan VisualizerTime => Budget * Plan.VisualizerShare;

    /// <summary>For painting the sheet and writing the scores.</summary>
    public TimeSpan SheetTime => TimeSpan.FromSeconds(1);

    /// <summary>For saving, loading, asking, drawing and painting the sheet.</summary>
    public TimeSpan ExamTime => TimeSpan.FromMinutes(Math.Min(Budget.TotalMinutes * 0.04, 1)) + TimeSpan.FromSeconds(8);
}
