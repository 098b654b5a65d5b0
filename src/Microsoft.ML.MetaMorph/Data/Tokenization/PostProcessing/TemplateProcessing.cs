namespace Microsoft.ML.MetaMorph;

/// <summary>A post-processor given as a list of parts for one text and one for a pair.</summary>
internal sealed class TemplateProcessing(IReadOnlyList<TemplatePart> single, IReadOnlyList<TemplatePart>? pair, bool typesWithoutSpecials) : PostProcessor
{
    public new static TemplateProcessing Read(TokenizerSection section)
    {
        Dictionary<string, (int[] Ids, string[] Tokens)> specials = section.Optional("special_tokens") is { } list
            ? list.Entries().ToDictionary(e => e.Name, e => ReadSpecial(e.Value))
            : [];
        TemplatePart[] single = [.. section.Required("single").Items().Select(p => ReadPart(p, specials))];
        TemplatePart[] pair = [.. section.Items("pair").Select(p => ReadPart(p, specials))];
        return new TemplateProcessing(single, pair.Length > 0 ? pair : null, typesWithoutSpecials: true);
    }

    public static TemplateProcessing ReadBert(TokenizerSection section)
    {
        TemplatePart begin = ReadNamed(section, "cls"), end = ReadNamed(section, "sep");
        return new TemplateProcessing(
            [begin, TemplatePart.First(0), end],
            [begin, TemplatePart.First(0), end, TemplatePart.Second(1), end with { TypeId = 1 }],
            typesWithoutSpecials: false);
    }

    public static TemplateProcessing ReadRoberta(TokenizerSection section)
    {
        TemplatePart begin = ReadNamed(section, "cls"), end = ReadNamed(section, "sep");
        return new TemplateProcessing([begin, TemplatePart.First(0), end], [begin, TemplatePart.First(0), end, end, TemplatePart.Second(0), end], typesWithoutSpecials: false);
    }

    public override IReadOnlyList<TemplatePart> Arrange(bool isPair, bool addSpecialTokens)
    {
        if (!addSpecialTokens && !typesWithoutSpecials) return Plain(isPair);
        IReadOnlyList<TemplatePart> parts = isPair ? pair ?? Plain(true) : single;
        return addSpecialTokens ? parts : [.. parts.Where(p => p.Sequence != TemplatePart.Special)];
    }

    private static (int[] Ids, string[] Tokens) ReadSpecial(TokenizerSection section) =>
        ([.. section.Required("ids").Items().Select(i => i.AsNumber())], [.. section.Required("tokens").Items().Select(t => t.AsText())]);

    private static TemplatePart ReadPart(TokenizerSection part, Dictionary<string, (int[] Ids, string[] Tokens)> specials)
    {
        if (part.Optional("Sequence") is { } sequence)
        {
            int typeId = sequence.Number("type_id", 0);
            return sequence.Text("id") switch
            {
                "A" => TemplatePart.First(typeId),
                "B" => TemplatePart.Second(typeId),
                string other => throw part.Wrong($"names the sequence '{other}'; there are A and B"),
            };
        }
        TokenizerSection special = part.Required("SpecialToken");
        string name = special.Text("id");
        if (!specials.TryGetValue(name, out (int[] Ids, string[] Tokens) tokens)) throw part.Wrong($"names '{name}', which 'special_tokens' does not define");
        return new TemplatePart(TemplatePart.Special, tokens.Ids, tokens.Tokens, special.Number("type_id", 0));
    }

    private static TemplatePart ReadNamed(TokenizerSection section, string name)
    {
        TokenizerSection[] pair = [.. section.Required(name).Items()];
        if (pair.Length != 2) throw section.Wrong($"must give '{name}' as a token and its id");
        return new TemplatePart(TemplatePart.Special, [pair[1].AsNumber()], [pair[0].AsText()], 0);
    }
}
