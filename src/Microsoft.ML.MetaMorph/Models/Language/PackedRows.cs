using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of a pack, sorted into groups of like length; inside a group they are padded to its longest row.</summary>
/// <remarks>
/// Attention over one pack with a block-diagonal mask computes t² scores, nearly all masked; a call a row means hundreds of small
/// calls. Groups cost neither: rows are laid side by side as <c>[rows, longest]</c>, attend causally (padding stands at the right,
/// so nothing real ever sees it), and are put back in their places. Rows move by split and cat, whose gradients are cat and split;
/// gathering by index has a gradient that adds position after position.
/// </remarks>
internal sealed class PackedRows
{
    /// <summary>A row joins a group if its length is at least this part of the group's longest.</summary>
    private const double LeastFill = 0.9;

    private readonly long[] _lengths;
    private readonly bool _inPlace;

    private PackedRows(long[] lengths, IReadOnlyList<PackedGroup> groups)
    {
        _lengths = lengths;
        Groups = groups;
        _inPlace = lengths.All(length => length == lengths[0]);
    }

    public IReadOnlyList<PackedGroup> Groups { get; }

    /// <exception cref="ArgumentException">A row is empty.</exception>
    public static PackedRows Create(int[] lengths)
    {
        for (int i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] < 1) throw new ArgumentException($"Row {i} of the pack has {lengths[i]} positions.", nameof(lengths));
        }
        int[] order = [.. Enumerable.Range(0, lengths.Length).OrderByDescending(i => lengths[i])];   // stable: equal rows keep their order
        var groups = new List<PackedGroup>();
        for (int first = 0, end; first < order.Length; first = end)
        {
            int longest = lengths[order[first]];
            end = first;
            while (end < order.Length && lengths[order[end]] >= LeastFill * longest) end++;
            groups.Add(new PackedGroup(order[first..end], longest));
        }
        return new PackedRows([.. lengths.Select(length => (long)length)], groups);
    }

    /// <summary><c>[t, heads, d]</c> → for each group <c>[rows, longest, heads, d]</c>, padded with zeros.</summary>
    public Tensor[] Spread(Tensor all)
    {
        long heads = all.shape[1], width = all.shape[2];
        if (_inPlace) return [all.view(_lengths.Length, _lengths[0], heads, width)];
        Tensor[] rows = all.split(_lengths, 0);
        Tensor padding = zeros([_lengths.Max(), heads, width], dtype: all.dtype, device: all.device);
        return [.. Groups.Select(group => cat([.. Pieces(group, row => rows[row], count => padding.narrow(0, 0, count))], 0).view(group.Rows.Length, group.Longest, heads, width))];
    }

    /// <summary>For each group <c>[rows, longest, width]</c> → <c>[t, width]</c>, without the padding.</summary>
    public Tensor Gather(IReadOnlyList<Tensor> results)
    {
        if (_inPlace) return results[0].view(_lengths.Length * _lengths[0], -1);
        var rows = new Tensor[_lengths.Length];
        for (int g = 0; g < Groups.Count; g++)
        {
            (int? Row, long Length)[] pieces = [.. Pieces<(int?, long)>(Groups[g], row => (row, _lengths[row]), count => (null, count))];
            Tensor[] parts = results[g].view(Groups[g].Rows.Length * Groups[g].Longest, -1).split([.. pieces.Select(p => p.Length)], 0);
            for (int i = 0; i < parts.Length; i++)
            {
                if (pieces[i].Row is { } row) rows[row] = parts[i];
            }
        }
        return cat(rows, 0);
    }

    /// <summary>What lies in a group from its start to its end: rows, each followed by its padding if it has any.</summary>
    private IEnumerable<T> Pieces<T>(PackedGroup group, Func<int, T> row, Func<long, T> padding)
    {
        foreach (int number in group.Rows)
        {
            yield return row(number);
            if (_lengths[number] < group.Longest) yield return padding(group.Longest - _lengths[number]);
        }
    }
}

/// <summary>Rows of like length.</summary>
/// <param name="Rows">Their numbers in the pack.</param>
/// <param name="Longest">Positions of each, padding included.</param>
internal sealed record PackedGroup(int[] Rows, int Longest);
