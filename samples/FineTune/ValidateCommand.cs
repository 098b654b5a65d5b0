using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary><c>validate</c>: reads every row and every picture, and tells what a training would stumble over.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        Option<string> data = CommonOptions.Data();
        Option<string?> images = CommonOptions.Images(), json = CommonOptions.Json();
        Option<string?> model = CommonOptions.Pretrained("--model", "The model to be trained, whose tokenizer tells how long rows are; without it that of one of its own");
        Option<string?> encoder = CommonOptions.Pretrained("--encoder", "The image encoder, which tells how long a picture is; without it one of its own");
        Option<int?> maximumLength = CommonOptions.Count("--maximum-length", "Positions behind which rows are cut (4096)");
        var command = new Command("validate", "Reads all rows and pictures. Ends with code 0 where every row can be used, with 1 where some cannot; long and repeated rows are warnings") { data, images, json, model, encoder, maximumLength };
        command.SetAction(parse =>
        {
            string file = parse.GetValue(data)!;
            var rows = new TrainingRows(new MLContext(), file, parse.GetValue(images) ?? Path.GetDirectoryName(Path.GetFullPath(file))!);
            var options = new DataValidationOptions
            {
                Tokenizer = parse.GetValue(model) is { } folder ? LanguageTokenizer.Load(folder) : Tokenizer(rows),
                TokensPerImage = TokensPerImage(parse.GetValue(encoder)),
                MaximumLength = parse.GetValue(maximumLength) ?? 4096,
            };
            return Run(new MetaMorphDataValidator(options).Validate(rows.Source), parse.GetValue(json));
        });
        return command;
    }

    private static int Run(DataReport report, string? json)
    {
        Console.WriteLine(report.ToText());
        if (json is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(json))!);
            File.WriteAllText(json, report.ToJson());
        }

        return report.IsUsable ? 0 : FineTuneCommands.Failed;
    }

    /// <summary>The tokenizer that a training would make, of the rows that can be used.</summary>
    private static LanguageTokenizer Tokenizer(TrainingRows rows)
    {
        InstructionRow[] Usable() => [.. rows.Source.Read().Select(reading => reading.Row).OfType<InstructionRow>()];
        return LanguageTokenizer.Train(Usable().SelectMany(row => row.Prompts.Concat(row.Responses)).Select(RowKinds.Words), new BytePairTrainingOptions { VocabularySize = new ModelSizes().Vocabulary });
    }

    private static int TokensPerImage(string? encoder)
    {
        if (encoder is null) return ModelSizes.VisualTokens;
        using ImageEncoder opened = ImageEncoder.Load(encoder);
        return opened.VisualTokenCount;
    }
}
