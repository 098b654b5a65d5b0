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
        Add(table, "Questions about pictures, exact answers", scores.ImageQuestionExact);
        Add(table, $"Pictures from words, found among {Exam.CandidateCount}", scores.TextToImageRetrieval);
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLineInterpolated($"{elapsed:m\\:ss} minutes. Model: {settings.ModelFile}. Contact sheet: {settings.ContactSheetFile}");
    }

    public static void Write(string file, Scores scores, SceneWorld world, TimeSpan elapsed)
    {
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        File.WriteAllText(file, JsonSerializer.Serialize(new
        {
            scores.ImageQuestionExact,
            scores.TextToImageRetrieval,
            World = new
            {
                Shapes = world.Shapes.Count,
                Colours = world.Colours.Count,
                Sizes = 2,
                Places = Places.All.Count,
                Backgrounds = world.Backgrounds.Count,
                world.MaximumObjects,
                UnseenPairs = world.UnseenPairs.Count,
            },
            Seconds = Math.Round(elapsed.TotalSeconds, 1),
        }, Options));
    }

    private static void Add(Table table, string name, Score score) => table.AddRow(name, $"{score.Value:P1}", $"{score.Chance:P1}", $"{score.Count}");
}
