namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Turns token ids into text one by one, for streaming. What it gives is final and never half a character;
/// all parts together, with <see cref="Complete"/>, are exactly what decoding all ids at once gives.
/// </summary>
/// <remarks>Not thread-safe; one decoder a stream.</remarks>
public sealed class IncrementalDecoder
{
    private readonly TokenizerPipeline _pipeline;
    private readonly bool _skipSpecialTokens;
    private readonly DecodedText _text = new();
    private readonly DecodingStage _first;
    private bool _complete;

    internal IncrementalDecoder(TokenizerPipeline pipeline, bool skipSpecialTokens)
    {
        _pipeline = pipeline;
        _skipSpecialTokens = skipSpecialTokens;
        _first = pipeline.StartDecoding(_text);
    }

    /// <summary>Takes the next id and gives the text that is now certain; it may be empty while a character or a run of bytes is incomplete.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative, as image placeholders are.</exception>
    /// <exception cref="InvalidOperationException">The stream was completed.</exception>
    public string Append(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        if (_complete) throw new InvalidOperationException("This decoder was completed; make a new one for the next text.");
        // ids beyond the vocabulary come from embedding tables that are padded
        if (_pipeline.Token(id) is not { } token) return "";
        if (_skipSpecialTokens && _pipeline.Added.IsSpecial(token)) return "";
        _first.Push(token, begins: true, ends: true);
        return _text.Take();
    }

    /// <summary>Ends the stream and gives what was held back; broken characters become U+FFFD.</summary>
    public string Complete()
    {
        if (_complete) return "";
        _complete = true;
        _first.Finish();
        return _text.Take();
    }
}
