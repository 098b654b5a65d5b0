using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What our messages about torch files tell, and for each the case's kind of error and the class of exception that torch throws for that fault.</summary>
internal static class TorchVerdict
{
    private const string Unpickling = "UnpicklingError", Runtime = "RuntimeError", Key = "KeyError", Index = "IndexError", End = "EOFError", System = "OSError";

    private static readonly string[] Exceptions = [Unpickling, Runtime, Key, Index, End, System];

    /// <summary>Modules whose classes run something when they are made. Other classes, which Python spells with a capital, are merely foreign.</summary>
    private const string Starters = "subprocess|multiprocessing|ctypes|socket|code";

    /// <summary>The first that our message matches says what is wrong with the file.</summary>
    private static readonly Fault[] Faults =
    [
        new(@"refused: the pickle asks for 'torch\.(cuda\.)?\w+Storage'", ["bad"], [Unpickling]),
        new($@"refused: the pickle asks for '(?!({Starters})\.)(\w+\.)+[A-Z]\w*'", ["class"], [Unpickling]),
        new("refused: the pickle ", ["hostile"], [Unpickling]),
        new(@"tensor '.*': offset -?\d+, sizes \[.*\], strides \[.*\]", ["bad"], [Runtime]),
        new("the pickle is broken: a size or stride is", ["bad"], [Runtime]),
        new(@"tensor '.*' lies in storage '.*', which (the file does not have|has \d+ bytes in the file)", ["bad"], [Runtime]),
        new(@"is not a torch file: it has \d+ entries data\.pkl", ["bad"], [Runtime]),
        new(@"the pickle is broken before position \d+: the memo has no entry", ["bad"], [Key]),
        new(@"the pickle is broken before position \d+: the stack is empty", ["bad"], [Index]),
        // A zip file that was cut has no directory: where there is one, the pickle was written so. A legacy file without its end is a cut one.
        new(@"the pickle ends at position \d+ before its STOP", ["bad"], [End], IsZip: true),
        new(@"the pickle ends at position \d+ before its STOP", ["truncated"], [End], IsZip: false),
        new(@"the pickle asks for \d+ bytes at position \d+, \d+ are left", ["bad"], [End], IsZip: true),
        // In a legacy file a wrong length and a cut within a string are the same fault.
        new(@"the pickle asks for \d+ bytes at position \d+, \d+ are left", ["bad", "truncated"], [End], IsZip: false),
        // torch reads lists however deep.
        new(@"containers are nested more than \d+ deep", ["bad"], [PublishedVerdict.Loads]),
        // One fault, two exceptions: torch's own zip reader throws the first, the search for the directory at a place before the file the second.
        new("is not a sound zip file: .*; the file is truncated", ["truncated"], [Runtime, System]),
        new(@"(it ends before storage|storage '.*' of \d+ elements begins at byte \d+).*; it is truncated", ["truncated"], [Runtime]),
        new("is not a torch file: 0 bytes that begin neither as a zip file nor as a pickle", ["empty"], [End]),
        new(@"is a git-lfs pointer|is not a torch file: [1-9]\d* bytes that begin neither as a zip file nor as a pickle", ["text"], [Unpickling]),
        // Faults of pickles and zip files that no published file has: what torch throws depends on where it notices them.
        new("the pickle is broken|is not a sound zip file|is not a torch file", ["bad"], Exceptions),
    ];

    /// <summary>True for a verdict that torch can give; of a file that may be read it gives none but that it loads, or that its weights-only reader does not take it.</summary>
    public static bool IsKnown(string thrown, bool readable) => thrown == PublishedVerdict.Loads || (readable ? thrown == Unpickling : Exceptions.Contains(thrown));

    /// <summary>Why our message tells another fault than the published kind and exception; null if they agree.</summary>
    public static string? Disagreement(string kind, string thrown, string message, string path)
    {
        if (Faults.FirstOrDefault(fault => Regex.IsMatch(message, fault.Ours) && (fault.IsZip ?? IsZip(path)) == IsZip(path)) is not { } found) return $"our message tells no known fault: {message}";
        if (!found.Kinds.Contains(kind)) return $"the kind of error is '{kind}'; our message tells one of the kind {string.Join(" or ", found.Kinds)}: {message}";
        return found.Exceptions.Contains(thrown) ? null : $"torch says '{thrown}'; for what our message tells it says {string.Join(" or ", found.Exceptions)}: {message}";
    }

    private static bool IsZip(string path)
    {
        using FileStream file = File.OpenRead(path);
        return file.ReadByte() == 'P' && file.ReadByte() == 'K';
    }

    /// <param name="Ours">What our message matches.</param>
    /// <param name="Kinds">The kinds of error that a case may call it.</param>
    /// <param name="Exceptions">What torch says of such a file.</param>
    /// <param name="IsZip">Whether this holds for zip files or for legacy files alone.</param>
    private sealed record Fault(string Ours, string[] Kinds, string[] Exceptions, bool? IsZip = null);
}
