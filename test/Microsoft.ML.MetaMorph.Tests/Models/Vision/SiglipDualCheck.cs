using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

internal static class SiglipDualCheck
{
    // The case's note: the "short" texts are the same ones, cut to five tokens.
    private const int ShortTokens = 5;

    [ReferenceKind("siglip-dual")]
    public static void Check(ReferenceCase reference)
    {
        var figures = new SiglipCase(reference);
        SiglipConfig config = SiglipConfig.FromJson(figures.Config);
        SiglipModel model = figures.Build(parameters => new SiglipModel(config, parameters));
        Compare(figures, model);
        using (no_grad()) Compare(figures, model);
        CompareGradients(reference, figures, model);
    }

    private static void Compare(SiglipCase figures, SiglipModel model)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = figures.Input("pixel_values"), ids = figures.Input("input_ids");
        figures.AreClose("vision.last_hidden_state", model.Vision.LastHiddenState(pixels));
        figures.AreClose("vision.pooler_output", model.Vision.Pooled(pixels));
        figures.AreClose("text.last_hidden_state", model.Text.LastHiddenState(ids));
        figures.AreClose("text.pooler_output", model.Text.Pooled(ids));
        Tensor images = model.ImageEmbeddings(pixels), texts = model.TextEmbeddings(ids);
        figures.AreClose("image_embeds", images);
        figures.AreClose("text_embeds", texts);
        figures.AreClose("short.text_embeds", model.TextEmbeddings(ids.narrow(1, 0, ShortTokens)));
        figures.AreClose("logit_scale", model.LogitScale);
        figures.AreClose("logit_bias", model.LogitBias);
        Tensor logits = model.LogitsPerImage(images, texts);
        figures.AreClose("logits_per_image", logits);
        figures.AreClose("two_texts.logits_per_image", model.LogitsPerImage(images, texts.narrow(0, 0, figures.Input("two_texts.logits_per_image").size(1))));
        figures.AreClose("loss", SigmoidContrastiveLoss.Of(logits).reshape(1));
    }

    private static void CompareGradients(ReferenceCase reference, SiglipCase figures, SiglipModel model)
    {
        const string Prefix = "grad.";
        double tolerance = reference.Json.GetProperty("grad_relative").GetDouble();
        Tensor logits = model.LogitsPerImage(model.ImageEmbeddings(figures.Input("pixel_values")), model.TextEmbeddings(figures.Input("input_ids")));
        SigmoidContrastiveLoss.Of(logits).backward();
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        // Each tower and both scalars show one gradient at least.
        foreach (string part in new[] { "vision_model.", "text_model.", "logit_scale", "logit_bias" }) reference.Beginning(Prefix + part);
        foreach (string name in reference.Beginning(Prefix))
            reference.AreRelativelyClose(figures.Input(name), parameters[name[Prefix.Length..]].grad!, tolerance, name);
    }
}
