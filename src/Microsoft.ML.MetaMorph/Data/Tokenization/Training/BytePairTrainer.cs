using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Learns merges: again and again the most frequent pair of neighbouring tokens becomes one token; of equally frequent pairs the one with the lowest ids.
/// The order of the texts therefore changes nothing. Counts are kept up to date instead of being taken anew.
/// </summary>
internal sealed class BytePairTrainer
{
    private readonly List<string> _tokens = [.. Enumerable.Range(0, 256).Select(b => ByteAlphabet.Character((byte)b)).Order().Select(c => c.ToString())];
    private readonly Dictionary<string, int> _ids;
    private readonly List<(string Left, string Right)> _merges = [];
    private readonly List<(int[] Symbols, int Length, long Count)> _words = [];
    private readonly Dictionary<(int Left, int Right), long> _counts = [];
    private readonly Dictionary<(int Left, int Right), HashSet<int>> _places = [];
    private readonly PriorityQueue<(int Left, int Right), (long NegativeCount, int Left, int Right)> _queue = new();

    private BytePairTrainer() => _ids = _tokens.Select((t, i) => (t, i)).ToDictionary(x => x.t, x => x.i);

    /// <summary>Tokens in the order of their ids, and the merges in the order of their rank.</summary>
    /// <param name="words">Pieces in the byte alphabet, with how often each occurs.</param>
    /// <param name="size">How many tokens there may be.</param>
    /// <param name="minimumFrequency">How often a pair must occur.</param>
    public static (IReadOnlyList<string> Tokens, IReadOnlyList<(string Left, string Right)> Merges) Train(IEnumerable<KeyValuePair<string, long>> words, int size, int minimumFrequency)
    {
        var trainer = new BytePairTrainer();
        trainer.Count(words);
        while (trainer._tokens.Count < size && trainer.Best(minimumFrequency) is { } pair) trainer.Merge(pair);
        return (trainer._tokens, trainer._merges);
    }

    private void Count(IEnumerable<KeyValuePair<string, long>> words)
    {
        foreach ((string word, long count) in words)
        {
            int[] symbols = [.. word.Select(c => _ids[c.ToString()])];
            for (int i = 0; i + 1 < symbols.Length; i++) Change((symbols[i], symbols[i + 1]), count, _words.Count);
            _words.Add((symbols, symbols.Length, count));
        }
        foreach ((var pair, long count) in _counts) _queue.Enqueue(pair, (-count, pair.Left, pair.Right));
    }

    private void Change((int Left, int Right) pair, long count, int word)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _) += count;
        if (count <= 0) return;
        ref HashSet<int>? places = ref CollectionsMarshal.GetValueRefOrAddDefault(_places, pair, out _);
        (places ??= []).Add(word);
    }

    private (int Left, int Right)? Best(int minimumFrequency)
    {
        while (_queue.TryDequeue(out (int Left, int Right) pair, out (long NegativeCount, int Left, int Right) key))
        {
            long count = _counts[pair];
            if (count == -key.NegativeCount) return count >= minimumFrequency ? pair : null;
            // the count fell since the pair was queued
            if (count > 0) _queue.Enqueue(pair, (-count, pair.Left, pair.Right));
        }
        return null;
    }

    private void Merge((int Left, int Right) pair)
    {
        string merged = _tokens[pair.Left] + _tokens[pair.Right];
        _merges.Add((_tokens[pair.Left], _tokens[pair.Right]));
        if (!_ids.TryGetValue(merged, out int id))
        {
            id = _tokens.Count;
            _tokens.Add(merged);
            _ids.Add(merged, id);
        }
        var grown = new HashSet<(int, int)>();
        foreach (int word in _places[pair]) MergeWord(word, pair, id, grown);
        _counts[pair] = 0;
        _places.Remove(pair);
        foreach ((int Left, int Right) other in grown)
        {
            if (_counts[other] > 0) _queue.Enqueue(other, (-_counts[other], other.Left, other.Right));
        }
    }

    private void MergeWord(int word, (int Left, int Right) pair, int id, HashSet<(int, int)> grown)
    {
        (int[] symbols, int length, long count) = _words[word];
        int write = 0;
        for (int read = 0; read < length; write++)
        {
            bool merges = read + 1 < length && symbols[read] == pair.Left && symbols[read + 1] == pair.Right;
            if (!merges)
            {
                symbols[write] = symbols[read++];
                continue;
            }
            if (write > 0) Replace((symbols[write - 1], pair.Left), (symbols[write - 1], id));
            if (read + 2 < length) Replace((pair.Right, symbols[read + 2]), (id, symbols[read + 2]));
            symbols[write] = id;
            read += 2;
        }
        _words[word] = (symbols, write, count);

        void Replace((int, int) old, (int, int) now)
        {
            if (old != pair) Change(old, -count, word);
            Change(now, count, word);
            grown.Add(now);
        }
    }
}
