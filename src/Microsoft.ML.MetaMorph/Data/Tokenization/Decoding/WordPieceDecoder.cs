namespace Microsoft.ML.MetaMorph;

/// <summary>Continuations joined, words spaced, and (with clean-up) the blanks before English punctuation taken out.</summary>
internal sealed class WordPieceDecoder(string prefix, bool cleanUp) : TokenDecoder
{
    private static readonly (string From, string To)[] CleanUps =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    public override DecodingStage Start(DecodingStage next) => new Stage(next, prefix, cleanUp);

    private sealed class Stage(DecodingStage next, string prefix, bool cleanUp) : WholeTokenStage
    {
        private bool _began;

        protected override void Decode(string token)
        {
            string text = !_began ? token : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
            _began = true;
            next.Push(cleanUp ? CleanUps.Aggregate(text, (t, c) => t.Replace(c.From, c.To, StringComparison.Ordinal)) : text, true, true);
        }

        public override void Finish() => next.Finish();
    }
}
