using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The unigram language model of SentencePiece: of all ways to spell a piece, the one with the highest sum of token scores (Viterbi).</summary>
internal sealed class UnigramModel : SubwordModel
{
    private const double UnknownPenalty = 10;

    private readonly string[] _tokens;
    private readonly double[] _scores;
    private readonly Dictionary<string, int> _ids = [];
    private readonly TokenTrie _trie = new();
    private readonly ByteTokens? _bytes;
    private readonly int? _unknown;
    private readonly double _unknownScore;
    private readonly string _file;

    private UnigramModel(TokenizerSection section, string[] tokens, double[] scores, int? unknown, bool byteFallback)
    {
        (_tokens, _scores, _unknown, _file) = (tokens, scores, unknown, section.File);
        for (int id = 0; id < tokens.Length; id++)
        {
            _ids[tokens[id]] = id;
            if (tokens[id].Length > 0) _trie.Add(tokens[id], id);
        }
        _unknownScore = scores.Min() - UnknownPenalty;
        _bytes = byteFallback ? new ByteTokens(Id) : null;
    }

    public override int Count => _ids.Count;

    public override IEnumerable<KeyValuePair<string, int>> Vocabulary => _ids;

    public new static UnigramModel Read(TokenizerSection section)
    {
        var tokens = new List<string>();
        var scores = new List<double>();
        foreach (TokenizerSection entry in section.Required("vocab").Items())
        {
            TokenizerSection[] pair = [.. entry.Items()];
            if (pair.Length != 2 || pair[1].Element.ValueKind != JsonValueKind.Number) throw entry.Wrong("must be a token and its score");
            tokens.Add(pair[0].AsText());
            scores.Add(pair[1].Element.GetDouble());
        }
        if (tokens.Count == 0) throw section.Wrong("has an empty vocabulary");
        int? unknown = section.Optional("unk_id")?.AsNumber();
        if (unknown >= tokens.Count) throw section.Wrong($"has unk_id {unknown}, but its vocabulary holds {tokens.Count} tokens");
        return new UnigramModel(section, [.. tokens], [.. scores], unknown, section.Flag("byte_fallback", false));
    }

    public override int? Id(string token) => _ids.TryGetValue(token, out int id) ? id : null;

    public override string? Token(int id) => id < _tokens.Length ? _tokens[id] : null;

    public override IReadOnlyList<SubwordToken> Tokenize(string piece)
    {
        var tokens = new List<SubwordToken>();
        foreach ((int start, int end) in FuseUnknown(BestPath(piece)))
        {
            string text = piece[start..end];
            if (Id(text) is { } id) tokens.Add(new SubwordToken(id, text, start, end - start));
            else if (_bytes?.Spell(text) is { } bytes) tokens.AddRange(bytes.Select((b, i) => new SubwordToken(b.Id, b.Name, start, i == 0 ? end - start : 0)));
            else tokens.Add(new SubwordToken(Unknown(text), text, start, end - start));
        }
        return tokens;
    }

    /// <summary>For every place in the piece the best last token of a path that ends there.</summary>
    private List<(int Start, int End, int Id)> BestPath(string piece)
    {
        var best = new (double Score, int Start, int Id)[piece.Length + 1];
        Array.Fill(best, (0, -1, -1));
        var matches = new List<(int Length, int Id)>();
        for (int start = 0; start < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(start), out _, out int character);
            double here = best[start].Score;
            bool single = false;
            _trie.Match(piece.AsSpan(start), matches);
            foreach ((int length, int id) in matches)
            {
                Offer(start + length, here + _scores[id], start, id);
                single |= length == character;
            }
            if (!single) Offer(start + character, here + _unknownScore, start, Unknown(piece.Substring(start, character)));
            start += character;
        }
        return Backtrack(best);

        void Offer(int end, double score, int start, int id)
        {
            if (best[end].Start < 0 || score > best[end].Score) best[end] = (score, start, id);
        }
    }

    private static List<(int Start, int End, int Id)> Backtrack((double Score, int Start, int Id)[] best)
    {
        var path = new List<(int, int, int)>();
        for (int end = best.Length - 1; end > 0; end = best[end].Start) path.Add((best[end].Start, end, best[end].Id));
        path.Reverse();
        return path;
    }

    /// <summary>Neighbouring unknown characters become one unknown token.</summary>
    private List<(int Start, int End)> FuseUnknown(List<(int Start, int End, int Id)> path)
    {
        var fused = new List<(int Start, int End)>(path.Count);
        bool previous = false;
        foreach ((int start, int end, int id) in path)
        {
            bool unknown = id == _unknown;
            if (unknown && previous) fused[^1] = (fused[^1].Start, end);
            else fused.Add((start, end));
            previous = unknown;
        }
        return fused;
    }

    private int Unknown(string text) => _unknown ?? throw new InvalidDataException($"{_file}: '{text}' is not in the vocabulary and the model names no unknown token (unk_id is null).");
}
