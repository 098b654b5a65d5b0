using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph;

// Tokenizers for models made from nothing.
public sealed partial class LanguageTokenizer
{
    /// <summary>Llama 3's words: contractions, letters with one leading mark, up to three digits, punctuation, line ends, blanks.</summary>
    private const string WordPattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Trains a byte-level BPE tokenizer. The same texts, in any order, give the same tokenizer.</summary>
    /// <param name="texts">The texts; rows that are null or empty are passed over. Special tokens in them are not learned from.</param>
    /// <param name="options">Vocabulary size, special tokens, chat template; null for the defaults.</param>
    /// <returns>A tokenizer that spells every text without loss: decoding what it encodes gives the text back.</returns>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public static LanguageTokenizer Train(IEnumerable<string?> texts, BytePairTrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(texts);
        options ??= new BytePairTrainingOptions();
        options.Validate();
        (IReadOnlyList<string> tokens, IReadOnlyList<(string Left, string Right)> merges) = BytePairTrainer.Train(CountWords(texts, options), options.VocabularySize - options.SpecialTokens.Count, options.MinimumFrequency);
        var contents = new Dictionary<string, byte[]>
        {
            [TokenizerFiles.Tokenizer] = TokenizerJson.Bytes(Describe(tokens, merges, options)),
            [TokenizerFiles.Configuration] = TokenizerJson.Bytes(DescribeConfiguration(options)),
        };
        return Load(new TokenizerFiles(contents, "the trained tokenizer"));
    }

    private static Dictionary<string, long> CountWords(IEnumerable<string?> texts, BytePairTrainingOptions options)
    {
        TextPattern pattern = TextPattern.FromRegex(WordPattern);
        var specials = new AddedTokenFinder(options.SpecialTokens.Select((t, i) => (t, AddedToken.SpecialToken(i, t))));
        var words = new Dictionary<string, long>();
        foreach (string? text in texts)
        {
            if (string.IsNullOrEmpty(text)) continue;
            string wellFormed = UnicodeCharacter.WellFormed(text);
            foreach ((int start, int end, AddedToken? token) in specials.Parts(wellFormed))
            {
                if (token is null) CountPieces(wellFormed[start..end], pattern, words);
            }
        }
        // the byte alphabet is applied once a word, not once an occurrence
        return words.ToDictionary(w => ByteAlphabet.Encode(w.Key), w => w.Value);
    }

    private static void CountPieces(string text, TextPattern pattern, Dictionary<string, long> words)
    {
        Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> lookup = words.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach ((int start, int end, _) in pattern.Parts(text)) CollectionsMarshal.GetValueRefOrAddDefault(lookup, text.AsSpan(start, end - start), out _)++;
    }

    private static JsonObject Describe(IReadOnlyList<string> tokens, IReadOnlyList<(string Left, string Right)> merges, BytePairTrainingOptions options) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. options.SpecialTokens.Select((t, i) => TokenizerJson.SpecialToken(tokens.Count + i, t))]),
        ["normalizer"] = null,
        ["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = WordPattern }, ["behavior"] = "Isolated", ["invert"] = false },
                new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false }),
        },
        ["post_processor"] = options.BeginningOfSequence is { } begin ? DescribeTemplate(begin, tokens.Count + options.SpecialTokens.IndexOf(begin)) : null,
        ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = false,
            ["ignore_merges"] = false,
            ["vocab"] = new JsonObject(tokens.Select((t, i) => KeyValuePair.Create<string, JsonNode?>(t, i))),
            ["merges"] = new JsonArray([.. merges.Select(m => new JsonArray(m.Left, m.Right))]),
        },
    };

    private static JsonObject DescribeTemplate(string begin, int id)
    {
        JsonObject Special(int type) => new() { ["SpecialToken"] = new JsonObject { ["id"] = begin, ["type_id"] = type } };
        JsonObject Sequence(string name, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = name, ["type_id"] = type } };
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Special(0), Sequence("A", 0)),
            ["pair"] = new JsonArray(Special(0), Sequence("A", 0), Special(1), Sequence("B", 1)),
            ["special_tokens"] = new JsonObject { [begin] = new JsonObject { ["id"] = begin, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(begin) } },
        };
    }

    private static JsonObject DescribeConfiguration(BytePairTrainingOptions options)
    {
        var configuration = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["model_max_length"] = options.MaximumLength,
            ["bos_token"] = options.BeginningOfSequence,
            ["eos_token"] = options.EndOfSequence,
            ["clean_up_tokenization_spaces"] = false,
        };
        if (options.ChatTemplate is not null) configuration["chat_template"] = options.ChatTemplate;
        return configuration;
    }
}
