namespace Microsoft.ML.MetaMorph;

/// <summary>What becomes of the delimiters that a splitter finds.</summary>
internal enum SplitBehavior
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>Reads behaviours and applies them.</summary>
internal static class SplitBehaviors
{
    public static SplitBehavior Read(TokenizerSection section, SplitBehavior? otherwise = null)
    {
        if (section.OptionalText("behavior") is not { } name) return otherwise ?? throw section.Wrong("has no 'behavior'");
        return Enum.TryParse(name, out SplitBehavior behavior) && Enum.IsDefined(behavior) ? behavior : throw section.Wrong($"has the behaviour '{name}', which is not supported");
    }

    /// <summary>Turns matches and the text between them into the parts that remain.</summary>
    public static IEnumerable<(int Start, int End)> Apply(this SplitBehavior behavior, List<(int Start, int End, bool IsMatch)> parts) => behavior switch
    {
        SplitBehavior.Removed => parts.Where(p => !p.IsMatch).Select(p => (p.Start, p.End)),
        SplitBehavior.Isolated => parts.Select(p => (p.Start, p.End)),
        SplitBehavior.Contiguous => Join(parts, (match, previous) => match == previous),
        SplitBehavior.MergedWithPrevious => Join(parts, (match, previous) => match && !previous),
        SplitBehavior.MergedWithNext => JoinBackwards(parts),
        _ => throw new ArgumentOutOfRangeException(nameof(behavior), behavior, "no such behaviour"),
    };

    private static List<(int Start, int End)> Join(List<(int Start, int End, bool IsMatch)> parts, Func<bool, bool, bool> joins)
    {
        var joined = new List<(int Start, int End)>();
        bool previous = false;
        foreach ((int start, int end, bool isMatch) in parts)
        {
            if (joined.Count > 0 && joins(isMatch, previous)) joined[^1] = (joined[^1].Start, end);
            else joined.Add((start, end));
            previous = isMatch;
        }
        return joined;
    }

    private static List<(int Start, int End)> JoinBackwards(List<(int Start, int End, bool IsMatch)> parts)
    {
        var joined = new List<(int Start, int End)>();
        bool previous = false;
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            (int start, int end, bool isMatch) = parts[i];
            if (joined.Count > 0 && isMatch && !previous) joined[^1] = (start, joined[^1].End);
            else joined.Add((start, end));
            previous = isMatch;
        }
        joined.Reverse();
        return joined;
    }
}
