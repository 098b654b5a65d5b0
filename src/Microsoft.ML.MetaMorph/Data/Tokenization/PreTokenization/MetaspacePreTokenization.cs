namespace Microsoft.ML.MetaMorph;

/// <summary>SentencePiece's blanks: ▁ for each, one put before the text (never, at its start only, or before every segment), cut before each ▁.</summary>
internal sealed class MetaspacePreTokenization(string replacement, PrependScheme prepend, bool split) : PreTokenizationStep
{
    public new static MetaspacePreTokenization Read(TokenizerSection section) => new(ReadReplacement(section), ReadScheme(section), section.Flag("split", true));

    public static string ReadReplacement(TokenizerSection section)
    {
        string replacement = section.OptionalText("replacement") ?? "▁";
        return replacement.Length == 1 && !char.IsSurrogate(replacement[0]) ? replacement : throw section.Wrong("must have a 'replacement' of one character");
    }

    public static PrependScheme ReadScheme(TokenizerSection section)
    {
        // files from before prepend_scheme say add_prefix_space
        if (section.OptionalText("prepend_scheme") is not { } name) return section.Flag("add_prefix_space", true) ? PrependScheme.Always : PrependScheme.Never;
        if (section.OptionalFlag("add_prefix_space") == false && name != "never") throw section.Wrong($"has add_prefix_space false but the prepend_scheme '{name}'");
        return name switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw section.Wrong($"has the prepend_scheme '{name}', which is not supported"),
        };
    }

    public override IEnumerable<TextPiece> Split(TextPiece piece)
    {
        piece = piece.WithText(piece.Text.Replace(" ", replacement, StringComparison.Ordinal));
        bool prepends = prepend == PrependScheme.Always || prepend == PrependScheme.First && piece.BeginsText;
        if (prepends && !piece.Text.StartsWith(replacement[0])) piece = piece.Prepend(replacement);
        return split ? Cut(piece) : [piece];
    }

    private List<TextPiece> Cut(TextPiece piece)
    {
        var parts = new List<(int, int, bool)>();
        int previous = 0;
        for (int at = piece.Text.IndexOf(replacement[0]); at >= 0; at = piece.Text.IndexOf(replacement[0], at + 1))
        {
            if (at > previous) parts.Add((previous, at, false));
            parts.Add((at, at + 1, true));
            previous = at + 1;
        }
        if (previous < piece.Text.Length) parts.Add((previous, piece.Text.Length, false));
        return [.. SplitBehavior.MergedWithNext.Apply(parts).Select(p => piece.Slice(p.Start, p.End - p.Start))];
    }
}
