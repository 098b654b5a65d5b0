namespace Microsoft.ML.MetaMorph;

/// <summary>An end-of-word suffix back to a blank (nothing in the last token).</summary>
internal sealed class SuffixDecoder(string suffix) : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => new Stage(next, suffix);

    private sealed class Stage(DecodingStage next, string suffix) : WholeTokenStage
    {
        private string? _last;

        protected override void Decode(string token)
        {
            Give(" ");
            _last = token;
        }

        public override void Finish()
        {
            Give("");
            next.Finish();
        }

        private void Give(string blank)
        {
            if (_last is not null) next.Push(suffix.Length > 0 ? _last.Replace(suffix, blank, StringComparison.Ordinal) : _last, true, true);
            _last = null;
        }
    }
}
