using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The table as Markdown: what was measured where, line by line, and every variant behind it.</summary>
internal sealed class ResultsDocument(IReadOnlyList<LineOutcome> outcomes, string command, int threads, int rounds, DateTimeOffset date)
{
    private const string Begin = "<!-- results: begin -->", End = "<!-- results: end -->";

    public void Write(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        File.WriteAllText(path, Text());
    }

    /// <summary>Puts the summary between the marks of another document.</summary>
    /// <exception cref="InvalidDataException">The document has no marks.</exception>
    public void Include(string path)
    {
        string text = File.ReadAllText(path);
        int begin = text.IndexOf(Begin, StringComparison.Ordinal), end = text.IndexOf(End, StringComparison.Ordinal);
        if (begin < 0 || end < begin) throw new InvalidDataException($"'{path}' has no lines '{Begin}' and '{End}' between which the table could go.");
        File.WriteAllText(path, text[..(begin + Begin.Length)] + "\n" + Summary() + text[end..]);
    }

    public string Text()
    {
        var text = new StringBuilder();
        text.Append("# Measured speed\n\nWritten by `compare`; do not edit. `benchmarks/README.md` says how to run it again.\n\n");
        text.Append(Summary());
        text.Append("\n## Every variant\n\nMedian seconds of a repeat [least, largest], over all rounds. Processor seconds are those of the whole process, loading and first run included.\n\n");
        text.Append("| Line | Side | Variant | Seconds | Units a second | Peak MiB | Processor s | Computed |\n|---|---|---|---|---|---|---|---|\n");
        foreach (PairedOutcome outcome in outcomes.OfType<PairedOutcome>())
            foreach (Measured measured in outcome.All) text.Append(Row(outcome, measured));
        string[] versions = [.. Sides().SelectMany(m => m.Results).Select(r => r.Versions).Distinct()];
        text.Append("\n## Versions\n\n");
        foreach (string version in versions) text.Append(CultureInfo.InvariantCulture, $"- {version}\n");
        return text.ToString();
    }

    private string Summary()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{date:yyyy-MM-dd}, commit {Machine.Commit}; {Machine.Processor}; {Machine.Memory}; {Machine.System}; {threads} threads, {rounds} rounds.\n\n`{command}`\n\n");
        if (outcomes.OfType<PairedOutcome>().Any())
        {
            text.Append("| Line | What | Ours | PyTorch at its best | Ratio | Both in fp32 | Bar | Met |\n|---|---|---|---|---|---|---|---|\n");
            foreach (PairedOutcome outcome in outcomes.OfType<PairedOutcome>()) text.Append(Row(outcome));
            text.Append(CultureInfo.InvariantCulture, $"\nUnits a second at the median [slowest, fastest repeat]. Both sides compute the same from the same weights: checksums agree within {PairedOutcome.Float32Tolerance:P1} ({PairedOutcome.BFloat16Tolerance:P0} where a side computes in bfloat16), or the line has failed.\n");
        }
        foreach (string note in Notes()) text.Append(CultureInfo.InvariantCulture, $"\n- {note}");
        if (Notes().Any()) text.Append('\n');
        if (!outcomes.OfType<SoloOutcome>().Any()) return text.ToString();
        text.Append("\n| Line | What | Measured | Bar | Met |\n|---|---|---|---|---|\n");
        foreach (SoloOutcome outcome in outcomes.OfType<SoloOutcome>())
            text.Append(CultureInfo.InvariantCulture, $"| {outcome.Line.Name} | {outcome.Line.Title} | {outcome.Figure} | {outcome.Solo.Bar} | {Verdict(outcome.Met)} |\n");
        return text.ToString();
    }

    private IEnumerable<string> Notes()
    {
        foreach (PairedOutcome outcome in outcomes.OfType<PairedOutcome>())
        {
            if (outcome.Failure is { } failure) yield return $"**{outcome.Line.Name} failed**: {failure}.";
            foreach (Measured once in outcome.Python.Where(m => m.IsComplete && m.Results.Count < rounds)) yield return $"{outcome.Line.Name}: PyTorch {once.Variant} was run in the first round only, where it took more than twice the time of the fastest variant.";
            foreach (Measured left in outcome.Python.Where(m => m.Reason is not null && !m.HasFailed)) yield return $"{outcome.Line.Name}: PyTorch {left.Variant} {left.Reason}.";
        }
    }

    private IEnumerable<Measured> Sides() => outcomes.SelectMany(outcome => outcome is PairedOutcome paired ? paired.All : [((SoloOutcome)outcome).Ours]);

    private static string Row(PairedOutcome outcome)
    {
        string rival = outcome.Rival is { } measured ? $"{Speed(measured)} ({measured.Variant})" : "—";
        return string.Create(CultureInfo.InvariantCulture, $"| {outcome.Line.Name} | {outcome.Line.Title} ({outcome.Paired.Unit}) | {Speed(outcome.Best)} | {rival} | {Times(outcome.Ratio)} | {Times(outcome.Float32Ratio)} | ≥ {outcome.Paired.Bar:F1}× | {Verdict(outcome.Met)} |\n");
    }

    private static string Row(PairedOutcome outcome, Measured measured)
    {
        string start = $"| {outcome.Line.Name} | {measured.Side} | {measured.Variant} | ";
        if (!measured.IsComplete) return start + $"{measured.Reason ?? "not measured"} | | | | |\n";
        Spread seconds = measured.Seconds;
        return start + string.Create(CultureInfo.InvariantCulture, $"{seconds.Median:G4} [{seconds.Least:G4}, {seconds.Largest:G4}] | {measured.UnitsPerSecond:G4} | {measured.Results.Max(r => r.PeakMiB)} | {measured.Results.Average(r => r.ProcessorSeconds):F1} | {measured.Results[0].How} |\n");
    }

    private static string Speed(Measured measured)
    {
        if (!measured.IsComplete) return "—";
        (double units, Spread seconds) = (measured.Results[0].Units, measured.Seconds);
        return string.Create(CultureInfo.InvariantCulture, $"{units / seconds.Median:G4} [{units / seconds.Largest:G4}, {units / seconds.Least:G4}]");
    }

    private static string Times(double? ratio) => ratio is { } value ? value.ToString("F2", CultureInfo.InvariantCulture) + "×" : "—";

    private static string Verdict(bool? met) => met switch { true => "yes", false => "**no**", null => "**failed**" };
}
