using System.CommandLine;
using Spectre.Console;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary><c>compare</c>: ours beside PyTorch, in one run, as a Markdown table.</summary>
internal static class CompareCommand
{
    public static System.CommandLine.Command Create()
    {
        var python = new Option<string?>("--python") { Description = "A Python interpreter that has torch, transformers and diffusers; without it our side runs alone" };
        var output = new Option<string>("--out") { Description = "The Markdown file to write", DefaultValueFactory = _ => "docs/benchmarks/results.md" };
        var include = new Option<string?>("--include") { Description = "Another Markdown file that takes over the table between its marks, such as docs/performance.md" };
        var lines = new Option<string>("--lines") { Description = "Lines to measure, by comma; all by default. pipeline-overhead means both of its lines", DefaultValueFactory = _ => "" };
        var repeats = new Option<int>("--repeats") { Description = "Rounds: processes of each side", DefaultValueFactory = _ => 3 };
        var threads = new Option<int>("--threads") { Description = "Threads of both sides", DefaultValueFactory = _ => 2 };
        var shrink = new Option<bool>("--shrink") { Description = "Tiny shapes, to try the whole path in seconds; the figures mean nothing" };
        var models = new Option<string>("--models") { Description = "Where the folders with random weights are made and kept (about 14 GB)", DefaultValueFactory = _ => "artifacts/benchmarks" };
        var command = new System.CommandLine.Command("compare", "Measures our side and PyTorch's in turns and writes a table") { python, output, include, lines, repeats, threads, shrink, models };
        command.SetAction(parse =>
        {
            var all = new BenchmarkLines(Path.GetFullPath(parse.GetValue(models)!), parse.GetValue(shrink));
            IReadOnlyList<BenchmarkLine> chosen = all.Named(Names(parse.GetValue(lines)!));
            (int rounds, int count) = (parse.GetValue(repeats), parse.GetValue(threads));
            var runner = new LineRunner(parse.GetValue(python), rounds, count, text => AnsiConsole.MarkupLineInterpolated($"[grey]{DateTime.Now:HH:mm:ss}[/] {text}"));
            List<LineOutcome> outcomes = [];
            string typed = "compare " + string.Join(' ', parse.Tokens.Skip(1).Select(token => Path.IsPathRooted(token.Value) ? "PATH" : token.Value));     // where things lie on this machine is nobody's affair
            var document = new ResultsDocument(outcomes, typed, count, rounds, DateTimeOffset.UtcNow);
            foreach (BenchmarkLine line in chosen)
            {
                outcomes.Add(runner.Run(line));
                AnsiConsole.MarkupLineInterpolated($"{Sentence(outcomes[^1])}");
                document.Write(parse.GetValue(output)!);            // a run of hours that breaks off keeps what it has
            }
            if (parse.GetValue(include) is { } other) document.Include(other);
            AnsiConsole.MarkupLineInterpolated($"written: {parse.GetValue(output)!}");
            return outcomes.Any(outcome => outcome.Met is null && (parse.GetValue(python) is not null || outcome is SoloOutcome)) ? 1 : 0;
        });
        return command;
    }

    private static string[] Names(string lines)
        => [.. lines.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).SelectMany(name => name == "pipeline-overhead" ? (string[])[name + "-encode", name + "-generate"] : [name])];

    private static string Sentence(LineOutcome outcome) => outcome switch
    {
        PairedOutcome { Failure: { } failure } => $"{outcome.Line.Name}: failed: {failure}",
        PairedOutcome paired => $"{outcome.Line.Name}: {paired.Ratio:F2}x PyTorch ({paired.Rival?.Variant}), {paired.Float32Ratio:F2}x both in fp32",
        SoloOutcome solo => $"{outcome.Line.Name}: {solo.Figure}",
        _ => outcome.Line.Name,
    };
}
