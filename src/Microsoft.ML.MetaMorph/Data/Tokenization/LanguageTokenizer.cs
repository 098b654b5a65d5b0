using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A tokenizer in the Hugging Face format (<c>tokenizer.json</c>): byte-level BPE as in Llama 3 and Qwen, BPE with byte fallback as in Llama 2, Unigram, WordPiece.
/// It is a <see cref="Tokenizer"/> of Microsoft.ML.Tokenizers and can be used wherever one is asked for.
/// </summary>
/// <remarks>
/// Immutable and thread-safe. A component that cannot be reproduced exactly is refused when loading, by its name.
/// Lone surrogates in a text are read as U+FFFD. The methods inherited from <see cref="Tokenizer"/> do not add special tokens around the text.
/// </remarks>
public sealed partial class LanguageTokenizer : Tokenizer
{
    private readonly TokenizerPipeline _pipeline;

    private LanguageTokenizer(TokenizerFiles files)
    {
        Files = files;
        _pipeline = TokenizerPipeline.Read(files);
        VocabularySize = CountTokens();
        HighestId = Math.Max(_pipeline.Model.Vocabulary.Select(e => e.Value).DefaultIfEmpty(-1).Max(), _pipeline.Added.Tokens.Select(t => t.Id).DefaultIfEmpty(-1).Max());
    }

    /// <summary>The number of different tokens, added ones included. A model's embedding table may be larger.</summary>
    public int VocabularySize { get; }

    /// <summary>The id of <c>bos_token</c>, or null where the configuration names none.</summary>
    public int? BeginningOfSequenceId => IdOfRole("bos_token");

    /// <summary>The id of <c>eos_token</c>, or null where the configuration names none.</summary>
    public int? EndOfSequenceId => IdOfRole("eos_token");

    /// <summary>The id of <c>pad_token</c>, or null where the configuration names none.</summary>
    public int? PaddingId => IdOfRole("pad_token");

    /// <inheritdoc/>
    public override Normalizer? Normalizer => _pipeline.Normalizer;

    /// <summary>The highest id that stands for a token.</summary>
    internal int HighestId { get; }

    /// <summary>The files that make this tokenizer, to carry along with a model.</summary>
    internal TokenizerFiles Files { get; }

    /// <summary>Loads a tokenizer.</summary>
    /// <param name="folderOrTokenizerJson">A folder with <c>tokenizer.json</c> (and, if there is one, <c>tokenizer_config.json</c>), or the file itself.</param>
    /// <exception cref="FileNotFoundException">There is no such folder or file.</exception>
    /// <exception cref="InvalidDataException">The file is broken or uses an unsupported component; the message names the file and the place.</exception>
    public static LanguageTokenizer Load(string folderOrTokenizerJson)
    {
        ArgumentException.ThrowIfNullOrEmpty(folderOrTokenizerJson);
        return new LanguageTokenizer(TokenizerFiles.Read(folderOrTokenizerJson));
    }

    /// <summary>Makes a tokenizer of files in memory.</summary>
    internal static LanguageTokenizer Load(TokenizerFiles files) => new(files);

    /// <summary>Turns a text into token ids.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's own begin and end tokens are put around it. Leave them out for a rendered chat template, which already holds them.</param>
    public int[] Encode(string text, bool addSpecialTokens = true) => [.. EncodeDetailed(text, null, addSpecialTokens).Ids];

    /// <summary>Turns token ids back into text. Ids without a token (embedding tables are often padded) give nothing.</summary>
    /// <param name="ids">The ids.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative, as image placeholders are.</exception>
    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        IncrementalDecoder decoder = CreateIncrementalDecoder(skipSpecialTokens);
        var text = new StringBuilder();
        foreach (int id in ids) text.Append(decoder.Append(id));
        return text.Append(decoder.Complete()).ToString();
    }

    /// <summary>The id of a token by its spelling, or null.</summary>
    public int? TokenId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        return _pipeline.Id(token);
    }

    /// <summary>A token's spelling in the vocabulary, or null.</summary>
    public string? TokenText(int id) => _pipeline.Token(id);

    /// <summary>A decoder for ids that come one by one.</summary>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public IncrementalDecoder CreateIncrementalDecoder(bool skipSpecialTokens = false) => new(_pipeline, skipSpecialTokens);

    /// <summary>Writes the tokenizer's files into a folder, where this library and Python's <c>transformers</c> can load them.</summary>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        Files.Write(folder);
    }

    /// <summary>The chat template of these files.</summary>
    internal ChatTemplate ReadChatTemplate() => ChatTemplate.Read(Files);

    /// <summary>Ids, types and spellings of a text or a pair of texts.</summary>
    internal TokenizerEncoding EncodeDetailed(string text, string? pair, bool addSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<SubwordToken>[] texts = pair is null ? [Tokenize(text)] : [Tokenize(text), Tokenize(pair)];
        var encoding = new TokenizerEncoding();
        foreach (TemplatePart part in _pipeline.Arrange(pair is not null, addSpecialTokens))
        {
            if (part.Sequence == TemplatePart.Special)
            {
                for (int i = 0; i < part.Ids.Length; i++) encoding.Add(part.Ids[i], i < part.Tokens.Length ? part.Tokens[i] : "", part.TypeId);
            }
            else
            {
                foreach (SubwordToken token in texts[part.Sequence]) encoding.Add(token.Id, token.Text, part.TypeId);
            }
        }
        return encoding;
    }

    private List<SubwordToken> Tokenize(string text) => _pipeline.Tokenize(text, normalize: true, preTokenize: true, normalizedText: null);

    private int? IdOfRole(string role) => _pipeline.Names[role] is { } token ? _pipeline.Id(token) : null;

    private int CountTokens()
    {
        var all = new HashSet<string>(_pipeline.Model.Vocabulary.Select(e => e.Key));
        all.UnionWith(_pipeline.Added.Tokens.Select(t => t.Content));
        return all.Count;
    }
}
