namespace Microsoft.ML.MetaMorph;

/// <summary>▁ back to blanks; in the first token it disappears where the tokenizer puts one before the text.</summary>
internal sealed class MetaspaceDecoder(string replacement, PrependScheme prepend) : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => new Stage(next, replacement, prepend != PrependScheme.Never);

    private sealed class Stage(DecodingStage next, string replacement, bool dropsFirst) : DecodingStage
    {
        private int _tokens;

        public override void Push(string chunk, bool begins, bool ends)
        {
            if (begins) _tokens++;
            next.Push(chunk.Replace(replacement, dropsFirst && _tokens == 1 ? "" : " ", StringComparison.Ordinal), begins, ends);
        }

        public override void Finish() => next.Finish();
    }
}
