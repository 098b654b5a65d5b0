// Learns to read and to draw pictures from nothing, in an ordinary ML.NET pipeline, within ten minutes on two processor cores.
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Quickstart;

const double leastMinutes = 0.5, mostMinutes = 7 * 24 * 60;

var seed = new Option<int>("--seed") { Description = "Seed of the data, the start and the training", DefaultValueFactory = _ => 1 };
var world = new Option<string>("--world") { Description = "small (6 shapes, 6 colours, up to 2 objects) or full (12 shapes, 8 colours, 2 sizes, up to 3 objects)", DefaultValueFactory = _ => "small" };
var minutes = new Option<double?>("--minutes") { Description = "Budget for everything, in minutes: 0.5 to 10,080. Without it: 8.5 for the small world, 80 for the full one. Where it runs out, fewer questions are asked at the end", CustomParser = Minutes };
var output = new Option<string>("--out") { Description = "Folder for contact-sheet.png and metamorph.zip", DefaultValueFactory = _ => "artifacts/quickstart" };
var json = new Option<string?>("--json") { Description = "File for the scores" };
var demand = new Option<bool>("--fail-at-chance") { Description = "End with code 1 where a score is not clearly above chance; for continuous integration" };
output.Validators.Add(result =>
{
    // The default is tried when the program runs: asking for help makes no folder.
    if (!result.Implicit && FolderProblem("--out", result.GetValueOrDefault<string>()) is { } problem) result.AddError(problem);
});
json.Validators.Add(RequireFile);
world.AcceptOnlyFromAmong("small", "full");

var command = new RootCommand("Trains a small model that reads and draws pictures, and shows what it learnt") { world, seed, minutes, output, json, demand };
command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
return await command.Parse(args).InvokeAsync();

int Run(ParseResult parse, CancellationToken cancellation)
{
    if (FolderProblem("--out", parse.GetValue(output)) is { } problem)
    {
        Console.Error.WriteLine(problem);
        return 1;
    }

    LearningPlan plan = LearningPlan.Named(parse.GetValue(world)!);
    var settings = new RunSettings(plan, parse.GetValue(seed), TimeSpan.FromMinutes(parse.GetValue(minutes) ?? plan.Minutes), Path.GetFullPath(parse.GetValue(output)!), parse.GetValue(json) is { } file ? Path.GetFullPath(file) : null, parse.GetValue(demand));
    return new QuickstartRun(settings, cancellation).Execute();
}

static double? Minutes(ArgumentResult result)
{
    string given = result.Tokens[0].Value;
    if (double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is >= leastMinutes and <= mostMinutes) return value;
    result.AddError(FormattableString.Invariant($"--minutes is '{given}'; it must be a number from {leastMinutes} to {mostMinutes}."));
    return null;
}

// Told now, and not after minutes of training.
static string? FolderProblem(string option, string? folder)
{
    try
    {
        string made = Directory.CreateDirectory(folder ?? "").FullName;
        using FileStream probe = new(Path.Combine(made, Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
        return null;
    }
    catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException)
    {
        return $"{option}: the folder '{folder}' cannot be written to: {refused.Message}";
    }
}

static void RequireFile(OptionResult result)
{
    if (result.GetValueOrDefault<string?>() is not { } file) return;
    if (Path.GetFileName(file).Length == 0 || Directory.Exists(file)) result.AddError($"--json is '{file}'; it must be the name of a file.");
    else if (FolderProblem("--json", Path.GetDirectoryName(file) is { Length: > 0 } folder ? folder : ".") is { } problem) result.AddError(problem);
}
