using System.Text.Json;
using Scenes;
using Spectre.Console;

namespace Quickstart;

/// <summary>Shows the scores and writes them as JSON.</summary>
internal static class ScoreReport
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public static void Show(Scores scores, RunSettings settings, TimeSpan elapsed)
    {
        var table = new Table().AddColumn("Held-out scenes").AddColumn("Right").AddColumn("Chance").AddColumn("Asked");
        foreach ((string name, Score score, _) in Named(scores)) table.AddRow(name, $"{score.Value:P1}", $"{score.Chance:P1}", $"{score.Count}");
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"{Minutes.Of(elapsed)} minutes. Model: {settings.ModelFile}. Contact sheet: {settings.ContactSheetFile}");
    }

    /// <summary>Says that there was no time for everything.</summary>
    public static void ShowUnasked(Exam exam)
        => AnsiConsole.MarkupLineInterpolated($"There was time for {exam.Questions.Count} of {Exam.QuestionCount} questions and {exam.Drawings.Count} of {Exam.DescriptionCount} descriptions (the machine was busy, or --minutes is short); shares of fewer are less certain.");

    public static void Write(string file, Scores scores, SceneWorld world, TimeSpan elapsed)
    {
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        File.WriteAllText(file, JsonSerializer.Serialize(new
        {
            scores.ImageQuestionExact,
            scores.TextToImageRetrieval,
            scores.ReconstructedObjects,
            scores.ReconstructedExact,
            scores.DrawnObjects,
            scores.DrawnExact,
            World = new
            {
                Shapes = world.Shapes.Count,
                Colours = world.Colours.Count,
                Sizes = world.HasSizes ? 2 : 1,
                Places = Places.All.Count,
                Backgrounds = world.Backgrounds.Count,
                world.MaximumObjects,
                UnseenPairs = world.UnseenPairs.Count,
            },
            Seconds = Math.Round(elapsed.TotalSeconds, 1),
        }, Options));
    }

    /// <summary>Whether something was learnt of everything; says what was not. Objects stand for whole pictures, of which a short run gets few.</summary>
    public static bool AllAboveChance(Scores scores)
    {
        (string Name, Score Score)[] failed = [.. Named(scores).Where(named => !named.IsOfWholePictures && !named.Score.IsAboveChance).Select(named => (named.Name, named.Score))];
        foreach ((string name, Score score) in failed)
            AnsiConsole.MarkupLineInterpolated($"[red]{name}: {score.Value:P1} of {score.Count} is not clearly above chance ({score.Chance:P1}).[/]");
        return failed.Length == 0;
    }

    private static (string Name, Score Score, bool IsOfWholePictures)[] Named(Scores scores) =>
    [
        ("Questions about pictures, exact answers", scores.ImageQuestionExact, false),
        ($"Visual tokens from words, picture found among {Exam.CandidateCount}", scores.TextToImageRetrieval, false),
        ("Drawn from true tokens: objects", scores.ReconstructedObjects, false),
        ("Drawn from true tokens: whole pictures", scores.ReconstructedExact, true),
        ("Drawn from words: objects", scores.DrawnObjects, false),
        ("Drawn from words: whole pictures", scores.DrawnExact, true),
    ];
}
