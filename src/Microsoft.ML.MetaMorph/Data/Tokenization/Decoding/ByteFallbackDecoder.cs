using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Runs of byte tokens back to text; a run that is not UTF-8 becomes one U+FFFD a byte, so a run is held until it ends.</summary>
internal sealed class ByteFallbackDecoder : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => new Stage(next);

    private sealed class Stage(DecodingStage next) : WholeTokenStage
    {
        private readonly List<byte> _run = [];

        protected override void Decode(string token)
        {
            if (ByteTokens.TryByte(token, out byte value))
            {
                _run.Add(value);
                return;
            }
            EndRun();
            next.Push(token, true, true);
        }

        public override void Finish()
        {
            EndRun();
            next.Finish();
        }

        private void EndRun()
        {
            if (_run.Count == 0) return;
            byte[] bytes = [.. _run];
            _run.Clear();
            if (System.Text.Unicode.Utf8.IsValid(bytes)) next.Push(Encoding.UTF8.GetString(bytes), true, true);
            else foreach (byte _ in bytes) next.Push("\uFFFD", true, true);
        }
    }
}
