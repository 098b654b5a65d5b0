// Learns to read and to draw pictures from nothing, in an ordinary ML.NET pipeline, within ten minutes on two processor cores.
using System.CommandLine;
using Quickstart;

var seed = new Option<int>("--seed") { Description = "Seed of the data, the start and the training", DefaultValueFactory = _ => 1 };
var world = new Option<string>("--world") { Description = "small (6 shapes, 6 colours, up to 2 objects) or full (12 shapes, 8 colours, 2 sizes, up to 3 objects)", DefaultValueFactory = _ => "small" };
var minutes = new Option<double?>("--minutes") { Description = "Budget for everything, in minutes; at least 0.5. Without it: 8.5 for the small world, 80 for the full one" };
var output = new Option<DirectoryInfo>("--out") { Description = "Folder for contact-sheet.png and metamorph.zip", DefaultValueFactory = _ => new DirectoryInfo("artifacts/quickstart") };
var json = new Option<FileInfo?>("--json") { Description = "File for the scores" };
var demand = new Option<bool>("--fail-at-chance") { Description = "End with code 1 where a score is not clearly above chance; for continuous integration" };
minutes.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double?>() is { } value and not >= 0.5) result.AddError($"--minutes is {value}; at least 0.5 is needed.");
});
world.AcceptOnlyFromAmong("small", "full");

var command = new RootCommand("Trains a small model that reads and draws pictures, and shows what it learnt") { world, seed, minutes, output, json, demand };
command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
return await command.Parse(args).InvokeAsync();

int Run(ParseResult parse, CancellationToken cancellation)
{
    LearningPlan plan = LearningPlan.Named(parse.GetValue(world)!);
    var settings = new RunSettings(plan, parse.GetValue(seed), TimeSpan.FromMinutes(parse.GetValue(minutes) ?? plan.Minutes), parse.GetValue(output)!.FullName, parse.GetValue(json)?.FullName, parse.GetValue(demand));
    return new QuickstartRun(settings, cancellation).Execute();
}
