using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>BERT's cleaning: control characters out, white space to blanks, blanks around CJK characters, accents off, lower case.</summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseCharacters, bool stripAccents, bool lowercase) : TextNormalizer
{
    public new static BertNormalizer Read(TokenizerSection section)
    {
        bool lowercase = section.Flag("lowercase", true);
        return new BertNormalizer(section.Flag("clean_text", true), section.Flag("handle_chinese_chars", true), section.OptionalFlag("strip_accents") ?? lowercase, lowercase);
    }

    public override string Normalize(string original)
    {
        string text = cleanText ? Clean(original) : original;
        if (handleChineseCharacters) text = SpaceCjk(text);
        if (stripAccents && !Ascii.IsValid(text)) text = UnicodeCharacter.Where(new UnicodeFormNormalizer(NormalizationForm.FormD).Normalize(text), rune => !UnicodeCharacter.IsNonSpacingMark(rune));
        return lowercase ? UnicodeCharacter.Lowercase(text) : text;
    }

    /// <summary>The first character is dropped where nothing of it alone remains.</summary>
    public override bool KeepsStart(string original) => original.Length == 0 || Normalize(original.EnumerateRunes().First().ToString()).Length > 0;

    private static string Clean(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value is 0 or 0xFFFD || UnicodeCharacter.IsControl(rune)) continue;
            if (Rune.IsWhiteSpace(rune)) kept.Append(' ');
            else kept.Append(rune);
        }
        return kept.ToString();
    }

    private static string SpaceCjk(string text)
    {
        var spaced = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (UnicodeCharacter.IsCjk(rune)) spaced.Append(' ').Append(rune).Append(' ');
            else spaced.Append(rune);
        }
        return spaced.ToString();
    }
}
