using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.MetaMorph;

// What Microsoft.ML.Tokenizers asks of a tokenizer.
public sealed partial class LanguageTokenizer
{
    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => Decode(ids as IReadOnlyList<int> ?? [.. ids], skipSpecialTokens: false);

    /// <inheritdoc/>
    public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        idsConsumed = charsWritten = 0;
        IncrementalDecoder decoder = CreateIncrementalDecoder();
        foreach (int id in ids)
        {
            if (!Write(decoder.Append(id), destination, ref charsWritten)) return OperationStatus.DestinationTooSmall;
            idsConsumed++;
        }
        return Write(decoder.Complete(), destination, ref charsWritten) ? OperationStatus.Done : OperationStatus.DestinationTooSmall;
    }

    /// <inheritdoc/>
    protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        var normalized = new StringBuilder();
        List<SubwordToken> tokens = _pipeline.Tokenize(text ?? textSpan.ToString(), settings.ConsiderNormalization, settings.ConsiderPreTokenization, normalized);
        bool cut = tokens.Count > settings.MaxTokenCount;
        if (cut) tokens.RemoveRange(settings.MaxTokenCount, tokens.Count - settings.MaxTokenCount);
        return new EncodeResults<EncodedToken>
        {
            Tokens = [.. tokens.Select(t => new EncodedToken(t.Id, t.Text, new Range(t.Start, t.Start + t.Length)))],
            NormalizedText = normalized.ToString(),
            CharsConsumed = !cut ? normalized.Length : tokens.Count == 0 ? 0 : tokens[^1].Start + tokens[^1].Length,
        };
    }

    private static bool Write(string text, Span<char> destination, ref int written)
    {
        if (!text.AsSpan().TryCopyTo(destination[written..])) return false;
        written += text.Length;
        return true;
    }
}
