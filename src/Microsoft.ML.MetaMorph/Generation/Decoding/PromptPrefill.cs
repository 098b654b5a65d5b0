using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Runs prompts through the model in pieces, for either engine.</summary>
internal static class PromptPrefill
{
    /// <summary>The embeddings <c>[1, t, hidden]</c> of a prompt, its images in place.</summary>
    public static Tensor Embed(CausalLanguageModel language, MetaMorphModel? visual, DecodingPrompt prompt)
    {
        if (prompt.Ids.Length == 0) throw new ArgumentException("A prompt has no tokens; it needs at least one.", nameof(prompt));
        using var scope = NewDisposeScope();
        if (visual is null) return language.Embed(tensor(Array.ConvertAll(prompt.Ids, id => (long)id), [1, prompt.Ids.Length], device: language.Device)).MoveToOuterDisposeScope();
        int count = visual.Config.VisualTokenCount, width = visual.Config.VisualTokenWidth;
        Tensor? tokens = prompt.VisualTokens.Length == 0 ? null : tensor(prompt.VisualTokens, [prompt.VisualTokens.Length / (count * width), count, width], device: language.Device);
        return visual.Splice(prompt.Ids, tokens).MoveToOuterDisposeScope();
    }

    /// <summary>Fills the cache and gives the hidden states <c>[b, 1, hidden]</c> of the last position.</summary>
    public static Tensor Run(CausalLanguageModel language, Tensor embeddings, int[] padding, KeyValueCache cache, int chunk, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        long length = embeddings.shape[1];
        bool padded = padding.Any(p => p > 0);
        Tensor? hidden = null;
        int first = Math.Max(chunk, padding.Max() + 1);                  // every row needs a position in the first piece
        for (long start = 0, count = first; start < length; start += count, count = chunk)
        {
            cancellation.ThrowIfCancellationRequested();
            hidden?.Dispose();
            // The padding is told once, with the first positions; the cache keeps it for those that follow.
            SequenceLayout layout = padded && start == 0 ? new LeftPaddedLayout(padding) : SequenceLayout.Causal;
            using Tensor piece = embeddings.narrow(1, start, Math.Min(count, length - start));
            hidden = language.Hidden(piece, layout, cache);
        }
        return hidden!.narrow(1, hidden.shape[1] - 1, 1).MoveToOuterDisposeScope();
    }
}
