using System.Collections.Concurrent;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Byte-pair encoding: a piece's characters are merged pair by pair, the best-ranked pair first.
/// Microsoft.ML.Tokenizers' BpeTokenizer knows neither <c>ignore_merges</c> nor <c>byte_fallback</c>, and merges given as pairs may hold blanks, so this is ours.
/// </summary>
internal sealed class BytePairModel : SubwordModel
{
    private const int CacheCapacity = 1 << 16;
    private const int CachedLength = 256;

    private readonly TokenVocabulary _vocabulary;
    private readonly MergeTable _merges;
    private readonly BytePairOptions _options;
    private readonly ByteTokens? _bytes;
    private readonly int? _unknown;
    private readonly ConcurrentDictionary<string, SubwordToken[]> _cache = new();
    private int _cached;

    public BytePairModel(TokenVocabulary vocabulary, MergeTable merges, BytePairOptions options, int? unknown)
    {
        _vocabulary = vocabulary;
        _merges = merges;
        _options = options;
        _unknown = unknown;
        _bytes = options.ByteFallback ? new ByteTokens(token => vocabulary.Id(token)) : null;
    }

    public override int Count => _vocabulary.Count;

    public override IEnumerable<KeyValuePair<string, int>> Vocabulary => _vocabulary.Entries;

    public new static BytePairModel Read(TokenizerSection section)
    {
        TokenVocabulary vocabulary = TokenVocabulary.Read(section);
        BytePairOptions options = BytePairOptions.Read(section);
        MergeTable merges = MergeTable.Read(section, vocabulary, options.ContinuingSubwordPrefix);
        int? unknown = section.OptionalText("unk_token") is { } token ? vocabulary.Id(token) : null;
        return new BytePairModel(vocabulary, merges, options, unknown);
    }

    public override int? Id(string token) => _vocabulary.Id(token);

    public override string? Token(int id) => _vocabulary.Token(id);

    public override IReadOnlyList<SubwordToken> Tokenize(string piece)
    {
        if (piece.Length == 0) return [];
        if (_options.IgnoreMerges && _vocabulary.Id(piece) is { } whole) return [new SubwordToken(whole, piece, 0, piece.Length)];
        if (piece.Length > CachedLength) return Merge(piece);
        if (_cache.TryGetValue(piece, out SubwordToken[]? known)) return known;
        SubwordToken[] tokens = Merge(piece);
        if (_cached < CacheCapacity && _cache.TryAdd(piece, tokens)) Interlocked.Increment(ref _cached);
        return tokens;
    }

    private SubwordToken[] Merge(string piece)
    {
        SymbolChain symbols = Symbols(piece);
        symbols.Merge(_merges);
        return symbols.Tokens(id => _vocabulary.Token(id)!);
    }

    /// <summary>The piece character by character: tokens, bytes or unknowns.</summary>
    private SymbolChain Symbols(string piece)
    {
        var symbols = new SymbolChain(piece.Length);
        int start = 0, unknownLength = 0;
        while (start < piece.Length)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(start), out _, out int length);
            if (CharacterId(piece, start, length) is { } id)
            {
                FlushUnknown(symbols, ref unknownLength);
                symbols.Add(id, length);
            }
            else if (_bytes?.Spell(piece.AsSpan(start, length)) is { } bytes)
            {
                // all bytes of one character share its place: the first covers it
                for (int i = 0; i < bytes.Count; i++) symbols.Add(bytes[i].Id, i == 0 ? length : 0);
            }
            else if (_unknown is not null)
            {
                if (!_options.FuseUnknown) FlushUnknown(symbols, ref unknownLength);
                unknownLength += length;
            }
            else
            {
                // the published library drops a character that has neither token nor unknown token
                symbols.Skip(length);
            }
            start += length;
        }
        FlushUnknown(symbols, ref unknownLength);
        return symbols;
    }

    private int? CharacterId(string piece, int start, int length)
    {
        ReadOnlySpan<char> character = piece.AsSpan(start, length);
        string? prefix = start > 0 ? _options.ContinuingSubwordPrefix : null;
        string? suffix = start + length == piece.Length ? _options.EndOfWordSuffix : null;
        return prefix is null && suffix is null ? _vocabulary.Id(character) : _vocabulary.Id($"{prefix}{character}{suffix}");
    }

    private void FlushUnknown(SymbolChain symbols, ref int length)
    {
        if (length > 0) symbols.Add(_unknown!.Value, length);
        length = 0;
    }
}

/// <summary>What a byte-pair model may do besides merging. Dropout belongs to training and is not applied.</summary>
internal sealed record BytePairOptions(string? ContinuingSubwordPrefix, string? EndOfWordSuffix, bool FuseUnknown, bool ByteFallback, bool IgnoreMerges)
{
    public static BytePairOptions Read(TokenizerSection section) => new(
        NullIfEmpty(section.OptionalText("continuing_subword_prefix")),
        NullIfEmpty(section.OptionalText("end_of_word_suffix")),
        section.Flag("fuse_unk", false),
        section.Flag("byte_fallback", false),
        section.Flag("ignore_merges", false));

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
