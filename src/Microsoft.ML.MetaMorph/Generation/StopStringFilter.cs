using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Finds stop strings in text that comes in pieces, and holds back what may be the beginning of one.</summary>
internal sealed class StopStringFilter(IReadOnlyList<string> stopStrings)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop string has been seen; nothing passes afterwards.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Takes the next piece and gives the text that may pass.</summary>
    public string Append(string piece)
    {
        if (IsStopped || piece.Length == 0) return "";
        if (stopStrings.Count == 0) return piece;
        string text = _held.Append(piece).ToString();
        _held.Clear();
        int stop = stopStrings.Select(s => text.IndexOf(s, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(-1).Min();
        if (stop >= 0)
        {
            IsStopped = true;
            return text[..stop];
        }
        int hold = stopStrings.Max(s => Overlap(text, s));
        _held.Append(text, text.Length - hold, hold);
        return text[..^hold];
    }

    /// <summary>Gives what was held back: it is no stop string, for nothing follows it.</summary>
    public string Flush()
    {
        string text = IsStopped ? "" : _held.ToString();
        _held.Clear();
        return text;
    }

    /// <summary>The longest end of the text that begins the stop string.</summary>
    private static int Overlap(string text, string stop)
    {
        for (int length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length))) return length;
        return 0;
    }
}
