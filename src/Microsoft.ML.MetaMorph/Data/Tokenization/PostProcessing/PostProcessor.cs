namespace Microsoft.ML.MetaMorph;

/// <summary>Puts special tokens around one text or a pair of texts.</summary>
internal abstract class PostProcessor
{
    /// <summary>The pieces of the finished sequence in order: a special token, or one of the texts.</summary>
    public abstract IReadOnlyList<TemplatePart> Arrange(bool isPair, bool addSpecialTokens);

    /// <summary>Without a processor the texts follow each other.</summary>
    public static IReadOnlyList<TemplatePart> Plain(bool isPair) => isPair ? [TemplatePart.First(0), TemplatePart.Second(1)] : [TemplatePart.First(0)];

    /// <summary>Reads the <c>post_processor</c> of a <c>tokenizer.json</c>; null where it adds nothing.</summary>
    public static PostProcessor? Read(TokenizerSection section)
    {
        switch (section.Type)
        {
            case "TemplateProcessing": return TemplateProcessing.Read(section);
            case "BertProcessing": return TemplateProcessing.ReadBert(section);
            case "RobertaProcessing": return TemplateProcessing.ReadRoberta(section);
            case "ByteLevel": return null; // changes offsets only
            case "Sequence":
                PostProcessor[] processors = [.. section.Items("processors").Select(Read).OfType<PostProcessor>()];
                return processors.Length switch
                {
                    0 => null,
                    1 => processors[0],
                    _ => throw section.Wrong($"runs {processors.Length} post-processors that add tokens; one is supported"),
                };
            default: throw section.Unsupported("post-processor");
        }
    }
}

/// <summary>A part of a finished sequence: special ids, or the first or second text.</summary>
internal sealed record TemplatePart(int Sequence, int[] Ids, string[] Tokens, int TypeId)
{
    public const int Special = -1;

    public static TemplatePart First(int typeId) => new(0, [], [], typeId);

    public static TemplatePart Second(int typeId) => new(1, [], [], typeId);
}
