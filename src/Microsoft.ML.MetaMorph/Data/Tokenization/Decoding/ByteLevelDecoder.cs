using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The byte alphabet back to bytes, the bytes of all tokens together to text. Half a character waits for its other half; broken ones become U+FFFD.</summary>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => new Stage(next);

    private sealed class Stage(DecodingStage next) : WholeTokenStage
    {
        private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
        private bool _began;

        protected override void Decode(string token) => Write(Bytes(token), flush: false);

        public override void Finish()
        {
            Write([], flush: true);
            next.Finish();
        }

        private void Write(byte[] bytes, bool flush)
        {
            var characters = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length + 4)];
            int count = _utf8.GetChars(bytes, characters, flush);
            if (count == 0 && !flush) return;
            next.Push(new string(characters, 0, count), begins: !_began, ends: flush);
            _began = true;
        }

        /// <summary>A token with any character outside the alphabet (an added token) stands for itself.</summary>
        private static byte[] Bytes(string token)
        {
            var bytes = new byte[token.Length];
            for (int i = 0; i < token.Length; i++)
            {
                if (!ByteAlphabet.TryByte(token[i], out bytes[i])) return Encoding.UTF8.GetBytes(token);
            }
            return bytes;
        }
    }
}
