namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Texts as SigLIP's text towers learned them: SigLIP's in lower case, without punctuation and with single spaces, SigLIP 2's in lower case
/// (which <c>tokenizer.json</c> does not say), then cut, ended and padded to the tower's whole length.
/// </summary>
internal sealed class TextTowerTokenizer
{
    private readonly bool _lowerCase, _withoutPunctuation;

    /// <param name="tokenizer">Its <c>tokenizer_config.json</c> says which of the two it is; any other leaves texts as they are, unless <c>do_lower_case</c> says otherwise.</param>
    /// <exception cref="ArgumentException">It names no end token.</exception>
    public TextTowerTokenizer(LanguageTokenizer tokenizer)
    {
        Tokenizer = tokenizer;
        End = tokenizer.EndOfSequenceId ?? throw new ArgumentException("The tokenizer names no end token (eos_token), which a caption needs at its end.");
        Padding = tokenizer.PaddingId ?? End;
        TokenizerSection? configuration = tokenizer.Files.Json(TokenizerFiles.Configuration);
        string kind = configuration?.OptionalText("tokenizer_class") ?? "";
        _withoutPunctuation = kind.StartsWith("SiglipTokenizer", StringComparison.Ordinal);
        // transformers says of SigLIP 2's that it is Gemma's, which keeps case; the towers were trained without (its later Siglip2Tokenizer sees to that).
        bool isSiglip2 = kind.StartsWith("Siglip2Tokenizer", StringComparison.Ordinal) || kind.StartsWith("GemmaTokenizer", StringComparison.Ordinal);
        _lowerCase = isSiglip2 || (configuration?.OptionalFlag("do_lower_case") ?? _withoutPunctuation);
    }

    public LanguageTokenizer Tokenizer { get; }

    /// <summary>The token behind each text.</summary>
    public int End { get; }

    /// <summary>The token that fills up. There is no mask: the tower sees it.</summary>
    public int Padding { get; }

    /// <summary>The tokens of a text, without the end.</summary>
    public int[] Encode(string text) => Tokenizer.Encode(Prepare(text), addSpecialTokens: false);

    /// <summary>Token ids <c>[texts, length]</c>.</summary>
    public long[] EncodePadded(IReadOnlyList<string> texts, int length) => Pad([.. texts.Select(text => Encode(text))], length, End, Padding);

    /// <summary>Cuts texts so that the end fits, and pads them to the tower's whole length: it pools the last position, whatever stands there.</summary>
    public static long[] Pad(IReadOnlyList<int[]> texts, int length, int end, int padding)
    {
        var ids = new long[checked(texts.Count * length)];
        Array.Fill(ids, padding);
        for (int row = 0; row < texts.Count; row++)
        {
            int kept = Math.Min(texts[row].Length, length - 1);
            for (int i = 0; i < kept; i++) ids[row * length + i] = texts[row][i];
            ids[row * length + kept] = end;
        }

        return ids;
    }

    private string Prepare(string text)
    {
        string prepared = _lowerCase ? text.ToLowerInvariant() : text;
        if (!_withoutPunctuation) return prepared;
        // Python's string.punctuation: what ASCII has of punctuation and symbols.
        string words = string.Concat(prepared.Where(letter => !char.IsAscii(letter) || !(char.IsPunctuation(letter) || char.IsSymbol(letter))));
        return string.Join(' ', words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
