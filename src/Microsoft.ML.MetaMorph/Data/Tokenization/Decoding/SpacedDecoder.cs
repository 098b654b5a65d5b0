namespace Microsoft.ML.MetaMorph;

/// <summary>What a tokenizer without a decoder does: a blank between tokens.</summary>
internal sealed class SpacedDecoder : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => new Stage(next);

    private sealed class Stage(DecodingStage next) : WholeTokenStage
    {
        private bool _began;

        protected override void Decode(string token)
        {
            next.Push(_began ? " " + token : token, true, true);
            _began = true;
        }

        public override void Finish() => next.Finish();
    }
}
