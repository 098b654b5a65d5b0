using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the encoder learns from: caption weight × cross-entropy + contrastive weight × sigmoid loss.</summary>
internal sealed class LanguageImageObjective(LanguageImageModel model, CaptionTokens tokens, double captionWeight, double contrastiveWeight)
{
    /// <summary>The losses of a batch, and its gradients added to those of the parameters.</summary>
    public LanguageImageLoss Accumulate(LanguageImageBatch batch)
    {
        using var scope = NewDisposeScope();
        (Tensor total, LanguageImageLoss parts) = Loss(batch);
        if (double.IsFinite(parts.Total)) total.backward();
        return parts;
    }

    /// <summary>The losses and scores of a batch, without gradients.</summary>
    public LanguageImageScores Evaluate(LanguageImageBatch batch)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor hidden = model.Vision.HiddenState(batch.Pixels.to(model.Device), batch.Grids);
        var scores = new LanguageImageScores(batch.Captions.Count);
        if (model.Decoder is { } decoder) scores = Captions(decoder, hidden, batch, scores);
        if (model.Text is not null) scores = Retrieval(hidden, batch, scores);
        return scores;
    }

    private (Tensor Total, LanguageImageLoss Parts) Loss(LanguageImageBatch batch)
    {
        Tensor hidden = model.Vision.HiddenState(batch.Pixels.to(model.Device), batch.Grids);
        Tensor? total = null, caption = null, contrastive = null;
        if (model.Decoder is { } decoder)
        {
            using CaptionBatch captions = Prepare(decoder, batch);
            caption = decoder.Loss(model.VisualTokens(hidden, batch.Grids), captions);
            total = caption * captionWeight;
        }
        if (model.Text is not null)
        {
            contrastive = SigmoidContrastiveLoss.Of(model.LogitsPerImage(hidden, Texts(batch.Captions), batch.Grids));
            total = total is null ? contrastive * contrastiveWeight : total + contrastive * contrastiveWeight;
        }
        if (total is null) throw new InvalidOperationException("The model has neither a captioning decoder nor a text tower to learn from.");
        return (total, new LanguageImageLoss(total.item<float>(), caption?.item<float>(), contrastive?.item<float>()));
    }

    private LanguageImageScores Captions(CaptionDecoder decoder, Tensor hidden, LanguageImageBatch batch, LanguageImageScores scores)
    {
        using CaptionBatch captions = Prepare(decoder, batch);
        Tensor logits = decoder.Logits(model.VisualTokens(hidden, batch.Grids), captions);
        double loss = nn.functional.cross_entropy(logits, captions.Targets).item<float>();
        bool[] right = logits.argmax(-1).eq(captions.Targets).cpu().data<bool>().ToArray();
        int exact = 0, next = 0;
        foreach (int count in captions.Counts)
        {
            // Every token right after the right beginning is the same as the whole caption right by greedy decoding.
            if (right.AsSpan(next, count).IndexOf(false) < 0) exact++;
            next += count;
        }
        return scores with { CaptionLoss = loss, ExactCaptions = exact };
    }

    private LanguageImageScores Retrieval(Tensor hidden, LanguageImageBatch batch, LanguageImageScores scores)
    {
        Tensor logits = model.LogitsPerImage(hidden, Texts(batch.Captions), batch.Grids);
        long[] best = logits.argmax(1).cpu().data<long>().ToArray();
        int found = best.Where((text, picture) => batch.Captions[(int)text].AsSpan().SequenceEqual(batch.Captions[picture])).Count();
        return scores with { ContrastiveLoss = SigmoidContrastiveLoss.Of(logits).item<float>(), Retrieved = found };
    }

    private CaptionBatch Prepare(CaptionDecoder decoder, LanguageImageBatch batch)
        => new(batch.Captions, tokens, decoder.Config.VisualTokenCount, decoder.Config.MaxTextLength, model.Device);

    /// <summary>Padded to the tower's whole length, as published towers were trained: they pool the last position whatever stands there.</summary>
    private Tensor Texts(IReadOnlyList<int[]> captions)
    {
        int length = model.Text!.Config.MaxPositions;
        return tensor(TextTowerTokenizer.Pad(captions, length, tokens.End, tokens.Pad), [captions.Count, length], device: model.Device);
    }
}
