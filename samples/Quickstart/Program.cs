// Learns to read and to predict pictures from nothing, in an ordinary ML.NET pipeline, within ten minutes on two processor cores.
using System.CommandLine;
using Quickstart;

var seed = new Option<int>("--seed") { Description = "Seed of the data, the start and the training", DefaultValueFactory = _ => 1 };
var minutes = new Option<double>("--minutes") { Description = "Budget for everything, in minutes; at least 0.5", DefaultValueFactory = _ => 8.5 };
var output = new Option<DirectoryInfo>("--out") { Description = "Folder for contact-sheet.png and metamorph.zip", DefaultValueFactory = _ => new DirectoryInfo("artifacts/quickstart") };
var json = new Option<FileInfo?>("--json") { Description = "File for the scores" };
var demand = new Option<bool>("--fail-at-chance") { Description = "End with code 1 where a score is not clearly above chance; for continuous integration" };
minutes.Validators.Add(result =>
{
    if (result.GetValueOrDefault<double>() is not >= 0.5) result.AddError($"--minutes is {result.GetValueOrDefault<double>()}; at least 0.5 is needed.");
});

var command = new RootCommand("Trains a small model that reads and predicts pictures, and shows what it learnt") { seed, minutes, output, json, demand };
command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
return await command.Parse(args).InvokeAsync();

int Run(ParseResult parse, CancellationToken cancellation)
{
    var settings = new RunSettings(parse.GetValue(seed), TimeSpan.FromMinutes(parse.GetValue(minutes)), parse.GetValue(output)!.FullName, parse.GetValue(json)?.FullName, parse.GetValue(demand));
    return new QuickstartRun(settings, cancellation).Execute();
}
