namespace Microsoft.ML.MetaMorph;

/// <summary>All tokens as one, for the decoders that follow.</summary>
internal sealed class FuseDecoder : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => new Stage(next);

    private sealed class Stage(DecodingStage next) : DecodingStage
    {
        private bool _began;

        public override void Push(string chunk, bool begins, bool ends)
        {
            next.Push(chunk, !_began, false);
            _began = true;
        }

        public override void Finish()
        {
            next.Push("", !_began, true);
            next.Finish();
        }
    }
}
