using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of a pack, sorted into groups of like length; inside a group they are padded to its longest row.</summary>
/// <remarks>
/// Attention over one pack with a block-diagonal mask costs t² for every pair that is masked; a call a row costs hundreds of small
/// calls. Groups cost neither: rows are gathered as <c>[rows, longest]</c>, attend causally (padding stands at the right, so nothing
/// real ever sees it), and are put back in their places.
/// </remarks>
internal sealed class PackedRows
{
    /// <summary>A row joins a group if its length is at least this part of the group's longest.</summary>
    private const double LeastFill = 0.75;

    private PackedRows(int[] lengths, IReadOnlyList<PackedGroup> groups, Tensor? restore)
    {
        Lengths = lengths;
        Groups = groups;
        Restore = restore;
    }

    public int[] Lengths { get; }

    public IReadOnlyList<PackedGroup> Groups { get; }

    /// <summary>For each position of the pack, where it lies in the groups' outputs laid end to end; null if it lies there already.</summary>
    public Tensor? Restore { get; }

    public static PackedRows Create(int[] lengths, Device device)
    {
        int total = 0;
        int[] starts = new int[lengths.Length];
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 1) throw new ArgumentException($"Row {i} of the pack has {lengths[i]} positions.", nameof(lengths));
            starts[i] = total;
            total += lengths[i];
        }
        int[] order = [.. Enumerable.Range(0, lengths.Length).OrderByDescending(i => lengths[i])];   // stable: equal rows keep their order
        var groups = new List<PackedGroup>();
        var places = new long[total];
        int first = 0, written = 0;
        while (first < order.Length)
        {
            int longest = lengths[order[first]], end = first;
            while (end < order.Length && lengths[order[end]] >= LeastFill * longest) end++;
            groups.Add(Group(order[first..end], starts, lengths, longest, written, places, device));
            written += (end - first) * longest;
            first = end;
        }
        bool inPlace = groups.Count == 1 && groups[0].Gather is null;
        return new PackedRows(lengths, groups, inPlace ? null : tensor(places, device: device));
    }

    private static PackedGroup Group(int[] rows, int[] starts, int[] lengths, int longest, int written, long[] places, Device device)
    {
        var gather = new long[rows.Length * longest];
        bool contiguous = true;
        for (int r = 0; r < rows.Length; r++)
        {
            int row = rows[r];
            for (int i = 0; i < longest; i++)
            {
                int at = r * longest + i;
                gather[at] = starts[row] + Math.Min(i, lengths[row] - 1);   // padding repeats the last position: finite, and never seen
                contiguous &= gather[at] == starts[rows[0]] + at;
                if (i < lengths[row]) places[starts[row] + i] = written + at;
            }
        }
        contiguous &= rows.Length == lengths.Length;
        return new PackedGroup(rows.Length, longest, contiguous ? null : tensor(gather, device: device));
    }
}

/// <summary>Rows of like length.</summary>
/// <param name="Rows">How many.</param>
/// <param name="Longest">Positions of each, padding included.</param>
/// <param name="Gather">Positions of the pack, <c>[Rows · Longest]</c>; null if the whole pack is this group, in order.</param>
internal sealed record PackedGroup(int Rows, int Longest, Tensor? Gather);
