namespace Microsoft.ML.MetaMorph;

/// <summary>
/// One step from tokens to text while tokens arrive. A token may come in several chunks: <c>begins</c> marks its first, <c>ends</c> its last.
/// Decoding all at once runs the same stages, so that a stream's parts always add up to the whole.
/// </summary>
internal abstract class DecodingStage
{
    public abstract void Push(string chunk, bool begins, bool ends);

    /// <summary>No more tokens: gives on what was held back.</summary>
    public abstract void Finish();
}

/// <summary>A stage that needs each token whole.</summary>
internal abstract class WholeTokenStage : DecodingStage
{
    private System.Text.StringBuilder? _partial;

    public sealed override void Push(string chunk, bool begins, bool ends)
    {
        if (begins && ends && _partial is null)
        {
            Decode(chunk);
            return;
        }
        (_partial ??= new()).Append(chunk);
        if (!ends) return;
        string token = _partial.ToString();
        _partial = null;
        Decode(token);
    }

    protected abstract void Decode(string token);
}
