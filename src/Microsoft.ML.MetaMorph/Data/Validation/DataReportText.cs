using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>A report as people read it.</summary>
internal static class DataReportText
{
    private const int BarWidth = 40;

    public static string Of(DataReport report)
    {
        var text = new StringBuilder();
        Line(text, $"{report.Rows} rows can be used, {report.Errors} cannot; {report.Warnings} warnings.");
        Line(text, $"{report.Turns} turns, {report.PromptImages} pictures in prompts, {report.ResponseImages} in responses.");
        if (report.TextTokens is { } tokens) Line(text, $"{tokens} text tokens, of which {report.SupervisedTokens} are learned.");
        foreach ((string kind, long rows) in report.Kinds) Line(text, $"  {kind}: {rows}");
        Lengths(text, report);
        foreach (DataFileReport file in report.Files) Line(text, $"{file.File}: {file.Rows} rows, {file.Errors} errors, {file.Warnings} warnings");
        foreach (DataFinding finding in report.Findings) Line(text, $"{finding}");
        long hidden = report.Errors + report.Warnings - report.Findings.Count;
        if (hidden > 0) Line(text, $"… and {hidden} more, which are counted and not listed ({nameof(DataValidationOptions)}.{nameof(DataValidationOptions.MaximumFindings)}).");
        return text.ToString();
    }

    private static void Lengths(StringBuilder text, DataReport report)
    {
        if (report.Lengths.Count == 0) return;
        long most = report.Lengths.Max(bin => bin.Rows);
        Line(text, $"Lengths in {report.LengthUnit}, the longest {report.LongestRow}:");
        foreach (LengthBin bin in report.Lengths) Line(text, $"  {bin.From,8}–{bin.To,-8} {bin.Rows,8} {new string('#', (int)Math.Ceiling(BarWidth * (double)bin.Rows / most))}");
    }

    // One kind of line end and of digits everywhere.
    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
