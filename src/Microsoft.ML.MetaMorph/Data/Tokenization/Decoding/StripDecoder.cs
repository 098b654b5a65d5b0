namespace Microsoft.ML.MetaMorph;

/// <summary>Up to a number of one character taken off the start and the end of every token.</summary>
internal sealed class StripDecoder(char content, int start, int stop) : TokenDecoder
{
    public new static StripDecoder Read(TokenizerSection section)
    {
        string content = section.Text("content");
        if (content.Length != 1) throw section.Wrong($"strips '{content}'; one character of the basic plane is supported");
        return new StripDecoder(content[0], section.Number("start"), section.Number("stop"));
    }

    public override DecodingStage Start(DecodingStage next) => new Stage(next, content, start, stop);

    private sealed class Stage(DecodingStage next, char content, int start, int stop) : DecodingStage
    {
        private int _toCut;
        private int _held;

        public override void Push(string chunk, bool begins, bool ends)
        {
            if (begins) (_toCut, _held) = (start, 0);
            string text = CutStart(chunk);
            string kept = HoldEnd(text);
            if (ends) _held = 0;
            next.Push(kept, begins, ends);
        }

        public override void Finish() => next.Finish();

        private string CutStart(string chunk)
        {
            int cut = 0;
            while (cut < chunk.Length && _toCut > 0 && chunk[cut] == content)
            {
                cut++;
                _toCut--;
            }
            if (cut < chunk.Length) _toCut = 0;
            return chunk[cut..];
        }

        /// <summary>The text without the characters at its end that may turn out to be the token's end.</summary>
        private string HoldEnd(string text)
        {
            if (stop == 0) return text;
            string whole = new string(content, _held) + text;
            int end = whole.Length;
            while (end > 0 && whole.Length - end < stop && whole[end - 1] == content) end--;
            _held = whole.Length - end;
            return whole[..end];
        }
    }
}
