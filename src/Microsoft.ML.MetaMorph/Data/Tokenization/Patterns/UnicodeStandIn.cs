using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A copy of a text in which every character is one UTF-16 unit: .NET's expressions see the halves of a surrogate pair, published tokenizers the whole character.
/// Characters beyond U+FFFF are replaced by a rare one of the same general category (ideographs by an ideograph that ranges like 一-龥 leave out), so that classes match alike.
/// </summary>
internal readonly struct UnicodeStandIn
{
    private readonly int[]? _positions;

    private UnicodeStandIn(string text, int[]? positions)
    {
        Text = text;
        _positions = positions;
    }

    public string Text { get; }

    public static UnicodeStandIn Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF')) return new UnicodeStandIn(text, null);
        var copy = new StringBuilder(text.Length);
        var positions = new List<int>(text.Length + 1);
        int position = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            copy.Append(rune.IsBmp ? (char)rune.Value : Representative(rune));
            positions.Add(position);
            position += rune.Utf16SequenceLength;
        }
        positions.Add(position);
        return new UnicodeStandIn(copy.ToString(), [.. positions]);
    }

    /// <summary>Where the character at <paramref name="index"/> of the copy stands in the text.</summary>
    public int Position(int index) => _positions is null ? index : _positions[index];

    private static char Representative(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.UppercaseLetter => '\u03D2',
        UnicodeCategory.LowercaseLetter => '\u0138',
        UnicodeCategory.ModifierLetter => '\u02D0',
        UnicodeCategory.OtherLetter => rune.Value is >= 0x20000 and <= 0x3FFFF ? '\uFA0E' : '\u01BB',
        UnicodeCategory.NonSpacingMark => '\u1AB0',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.DecimalDigitNumber => '\u0AE6',
        UnicodeCategory.LetterNumber => '\u2180',
        UnicodeCategory.OtherNumber => '\u09F4',
        UnicodeCategory.DashPunctuation => '\u2E3A',
        UnicodeCategory.OtherPunctuation => '\u055A',
        UnicodeCategory.MathSymbol => '\u2A00',
        UnicodeCategory.CurrencySymbol => '\u0AF1',
        UnicodeCategory.ModifierSymbol => '\u02C2',
        UnicodeCategory.OtherSymbol => rune.Value is >= 0x1F130 and <= 0x1F149 or >= 0x1F150 and <= 0x1F169 or >= 0x1F170 and <= 0x1F189 ? '\u24B6' : '\u2800',
        UnicodeCategory.Format => '\u2064',
        UnicodeCategory.PrivateUse => '\uF8FF',
        _ => '\u0378',
    };
}
