namespace Microsoft.ML.MetaMorph;

/// <summary>The symbols of one piece as a doubly linked chain, merged by rank with a queue: n log n however long the piece is.</summary>
internal sealed class SymbolChain(int capacity)
{
    private readonly List<Symbol> _symbols = new(capacity);
    private int _position;

    private record struct Symbol(int Id, int Start, int Length, int Previous, int Next);

    public void Add(int id, int length)
    {
        int index = _symbols.Count;
        if (index > 0) _symbols[index - 1] = _symbols[index - 1] with { Next = index };
        _symbols.Add(new Symbol(id, _position, length, index - 1, -1));
        _position += length;
    }

    /// <summary>Passes over characters that become no token.</summary>
    public void Skip(int length) => _position += length;

    public void Merge(MergeTable table)
    {
        var queue = new PriorityQueue<(int Left, int Id), long>();
        for (int i = 0; i + 1 < _symbols.Count; i++) Enqueue(table, queue, i, i + 1);
        while (queue.TryDequeue(out (int Left, int Id) merge, out _))
        {
            Symbol left = _symbols[merge.Left];
            if (left.Id < 0 || left.Next < 0) continue;
            Symbol right = _symbols[left.Next];
            // the pair may have changed since it was queued
            if (!table.TryMerge(left.Id, right.Id, out _, out int id) || id != merge.Id) continue;
            Join(merge.Left, id);
            if (left.Previous >= 0) Enqueue(table, queue, left.Previous, merge.Left);
            if (_symbols[merge.Left].Next is >= 0 and var next) Enqueue(table, queue, merge.Left, next);
        }
    }

    public SubwordToken[] Tokens(Func<int, string> text)
    {
        var tokens = new List<SubwordToken>(_symbols.Count);
        foreach (Symbol symbol in _symbols)
        {
            if (symbol.Id >= 0) tokens.Add(new SubwordToken(symbol.Id, text(symbol.Id), symbol.Start, symbol.Length));
        }
        return [.. tokens];
    }

    private void Enqueue(MergeTable table, PriorityQueue<(int Left, int Id), long> queue, int left, int right)
    {
        if (table.TryMerge(_symbols[left].Id, _symbols[right].Id, out int rank, out int id)) queue.Enqueue((left, id), ((long)rank << 32) | (uint)left);
    }

    private void Join(int index, int id)
    {
        Symbol left = _symbols[index], right = _symbols[left.Next];
        _symbols[left.Next] = right with { Id = -1 };
        if (right.Next >= 0) _symbols[right.Next] = _symbols[right.Next] with { Previous = index };
        _symbols[index] = left with { Id = id, Length = left.Length + right.Length, Next = right.Next };
    }
}
