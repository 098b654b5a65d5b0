using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Unicode's normal forms NFC, NFD, NFKC and NFKD.</summary>
internal sealed class UnicodeFormNormalizer(NormalizationForm form) : TextNormalizer
{
    // a runtime in globalization-invariant mode returns every text unchanged, which would give wrong ids in silence
    private static readonly bool IsAvailable = "e\u0301".Normalize(NormalizationForm.FormC) == "\u00E9";

    public override string Normalize(string original)
    {
        if (Ascii.IsValid(original)) return original;
        if (!IsAvailable) throw new PlatformNotSupportedException("The tokenizer normalises Unicode text, which .NET cannot do in globalization-invariant mode. Install ICU (libicu) and unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT.");
        return original.Normalize(form);
    }
}
