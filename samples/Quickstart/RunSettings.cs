namespace Quickstart;

/// <summary>What the command line asks for.</summary>
/// <param name="Seed">Seed of the data, the start and the training.</param>
/// <param name="Budget">Time for everything.</param>
/// <param name="OutputFolder">Where the contact sheet and the model go.</param>
/// <param name="ScoreFile">Where the scores go as JSON; null for nowhere.</param>
/// <param name="FailsAtChance">Whether a score that guessing could have got ends the program with code 1.</param>
internal sealed record RunSettings(int Seed, TimeSpan Budget, string OutputFolder, string? ScoreFile, bool FailsAtChance)
{
    public string ModelFile => Path.Combine(OutputFolder, "metamorph.zip");

    public string ContactSheetFile => Path.Combine(OutputFolder, "contact-sheet.png");

    /// <summary>Seeing comes first: what the encoder misses, nobody can tell afterwards.</summary>
    public TimeSpan EncoderTime => Budget * 0.2;

    /// <summary>For the brush. What is left is the language model's.</summary>
    public TimeSpan VisualizerTime => Budget * 0.19;

    /// <summary>For saving, loading, asking, drawing and painting the sheet.</summary>
    public TimeSpan ExamTime => Budget * 0.04 + TimeSpan.FromSeconds(8);
}
