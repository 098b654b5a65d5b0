namespace Microsoft.ML.MetaMorph;

/// <summary>Every match of a pattern in a token replaced.</summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : TokenDecoder
{
    /// <summary>One character never stands across two chunks; anything longer needs the token whole.</summary>
    public override DecodingStage Start(DecodingStage next) => pattern.LiteralLength == 1 ? new ChunkStage(next, pattern, content) : new TokenStage(next, pattern, content);

    private sealed class ChunkStage(DecodingStage next, TextPattern pattern, string content) : DecodingStage
    {
        public override void Push(string chunk, bool begins, bool ends) => next.Push(pattern.Replace(chunk, content), begins, ends);

        public override void Finish() => next.Finish();
    }

    private sealed class TokenStage(DecodingStage next, TextPattern pattern, string content) : WholeTokenStage
    {
        protected override void Decode(string token) => next.Push(pattern.Replace(token, content), true, true);

        public override void Finish() => next.Finish();
    }
}
