using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace FineTune;

/// <summary><c>evaluate</c>: asks the trained model about rows, best ones that it has not learned, and marks its answers by the kind of the row.</summary>
internal static class EvaluateCommand
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DictionaryKeyPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public static Command Create()
    {
        Option<string> run = CommonOptions.Run(), data = CommonOptions.Data();
        Option<string?> images = CommonOptions.Images(), json = CommonOptions.Json();
        Option<int> maximumTokens = CommonOptions.MaximumTokens();
        var command = new Command("evaluate", "Asks the trained model about rows: exact answers, and how near predicted pictures are to the true ones, by kind of row") { run, data, images, json, maximumTokens };
        command.SetAction(parse =>
        {
            string file = Path.GetFullPath(parse.GetValue(data)!);
            using var model = new TrainedModel(new OutputFolder(parse.GetValue(run)!));
            SortedDictionary<RowKind, KindScore> scores = Score(model, new TrainingRows(model.Context, file, parse.GetValue(images) ?? Path.GetDirectoryName(file)!), parse.GetValue(maximumTokens));
            Show(scores);
            if (parse.GetValue(json) is { } target) Write(target, scores);
            return 0;
        });
        return command;
    }

    private static SortedDictionary<RowKind, KindScore> Score(TrainedModel model, TrainingRows rows, int maximumTokens)
    {
        var scores = new SortedDictionary<RowKind, KindScore>();
        foreach (Answered row in model.Context.Data.CreateEnumerable<Answered>(model.Answer(rows.View, maximumTokens), reuseRowObject: false, ignoreMissingColumns: true))
        {
            RowKind kind = RowKinds.Of(row.Prompt, row.Response);
            if (!scores.TryGetValue(kind, out KindScore? score)) scores[kind] = score = new KindScore();
            score.Add(row, model.PictureLength, model.VisualTokenCount);
        }

        return scores;
    }

    private static void Show(SortedDictionary<RowKind, KindScore> scores)
    {
        Table table = new Table().AddColumn(new TableColumn("Kind").NoWrap()).AddColumn("Rows").AddColumn("Exact").AddColumn("Pictures").AddColumn("Predicted").AddColumn("Cosine").AddColumn("Of others");
        foreach ((RowKind kind, KindScore score) in scores)
            table.AddRow(kind.ToString(), $"{score.Rows}", FormattableString.Invariant($"{score.ExactShare:P1}"), $"{score.Pictures}", $"{score.PicturesPredicted}", Cosine(score.MeanCosine), Cosine(score.CosineOfOthers));
        AnsiConsole.Write(table);
    }

    private static string Cosine(double? value) => value is { } cosine ? FormattableString.Invariant($"{cosine:F3}") : "";

    private static void Write(string file, SortedDictionary<RowKind, KindScore> scores)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        int rows = scores.Values.Sum(score => score.Rows), exact = scores.Values.Sum(score => score.Exact), predicted = scores.Values.Sum(score => score.PicturesPredicted);
        File.WriteAllText(file, JsonSerializer.Serialize(new
        {
            Rows = rows,
            Exact = exact,
            ExactShare = rows == 0 ? 0 : (double)exact / rows,
            MeanCosine = predicted == 0 ? (double?)null : scores.Values.Sum(score => score.MeanCosine * score.PicturesPredicted ?? 0) / predicted,
            Kinds = scores.ToDictionary(entry => entry.Key.ToString(), entry => entry.Value),
        }, Options));
    }
}
