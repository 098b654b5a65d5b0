using System.Numerics;

namespace Microsoft.ML.MetaMorph;

/// <summary>Adds up what a validation finds.</summary>
internal sealed class DataTotals(int maximumFindings)
{
    private readonly List<string> _order = [];
    private readonly Dictionary<string, (long Rows, long Errors, long Warnings)> _files = [];
    private readonly SortedDictionary<string, long> _kinds = new(StringComparer.Ordinal);
    private readonly SortedDictionary<DataFindingKind, long> _findingKinds = [];
    private readonly List<DataFinding> _findings = [];

    // One for each power of two.
    private readonly long[] _lengths = new long[64];
    private long _errors, _warnings, _rows, _turns, _promptImages, _responseImages, _textTokens, _supervised, _longest;

    public void Add(DataFinding finding)
    {
        (long rows, long errors, long warnings) = File(finding.Place.File);
        bool error = finding.Severity == DataFindingSeverity.Error;
        _files[finding.Place.File] = error ? (rows, errors + 1, warnings) : (rows, errors, warnings + 1);
        if (error) _errors++;
        else _warnings++;
        _findingKinds[finding.Kind] = _findingKinds.GetValueOrDefault(finding.Kind) + 1;
        if (_findings.Count < maximumFindings) _findings.Add(finding);
    }

    /// <summary>Adds a row that can be used.</summary>
    public void Add(RowPlace place, InstructionRow row, RowLength length)
    {
        (long rows, long errors, long warnings) = File(place.File);
        _files[place.File] = (rows + 1, errors, warnings);
        _rows++;
        _turns += row.Prompts.Count;
        _promptImages += row.PromptImageCount;
        _responseImages += row.Images.Count - row.PromptImageCount;
        _textTokens += length.TextTokens;
        _supervised += length.SupervisedTokens;
        _longest = Math.Max(_longest, length.Total);
        _lengths[BitOperations.Log2((ulong)Math.Max(1, length.Total))]++;
        string kind = row.Kind ?? KindOf(row);
        _kinds[kind] = _kinds.GetValueOrDefault(kind) + 1;
    }

    public DataReport ToReport(bool tokens) => new()
    {
        Rows = _rows,
        Errors = _errors,
        Warnings = _warnings,
        Turns = _turns,
        PromptImages = _promptImages,
        ResponseImages = _responseImages,
        TextTokens = tokens ? _textTokens : null,
        SupervisedTokens = tokens ? _supervised : null,
        LengthUnit = tokens ? "positions" : "characters",
        LongestRow = _longest,
        Lengths = Bins(),
        Kinds = _kinds,
        FindingsByKind = _findingKinds,
        Files = [.. _order.Select(file => new DataFileReport(file, _files[file].Rows, _files[file].Errors, _files[file].Warnings))],
        Findings = _findings,
    };

    private static string KindOf(InstructionRow row)
    {
        bool draws = row.Images.Count > row.PromptImageCount;
        if (row.PromptImageCount == 0) return draws ? "DrawsImages" : "TextOnly";
        return draws ? "ReadsAndDrawsImages" : "ReadsImages";
    }

    private (long Rows, long Errors, long Warnings) File(string file)
    {
        if (_files.TryGetValue(file, out (long Rows, long Errors, long Warnings) found)) return found;
        _order.Add(file);
        return default;
    }

    private LengthBin[] Bins()
    {
        int first = Array.FindIndex(_lengths, rows => rows > 0), last = Array.FindLastIndex(_lengths, rows => rows > 0);
        return first < 0 ? [] : [.. Enumerable.Range(first, last - first + 1).Select(power => new LengthBin(1L << power, (1L << (power + 1)) - 1, _lengths[power]))];
    }
}

/// <summary>How long a row is.</summary>
/// <param name="Total">Positions with those of pictures, or characters without a tokenizer.</param>
/// <param name="TextTokens">Text tokens; 0 without a tokenizer.</param>
/// <param name="SupervisedTokens">Those that are learned.</param>
internal readonly record struct RowLength(long Total, long TextTokens, long SupervisedTokens);
