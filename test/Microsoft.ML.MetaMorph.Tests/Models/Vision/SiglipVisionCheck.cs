using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

internal static class SiglipVisionCheck
{
    [ReferenceKind("siglip-vision")]
    public static void Check(ReferenceCase reference)
    {
        var figures = new SiglipCase(reference);
        SiglipVisionConfig config = SiglipVisionConfig.FromJson(figures.Config);
        SiglipVisionModel model = figures.Build(parameters => new SiglipVisionModel(config, parameters));
        int[] counts = [.. reference.Json.GetProperty("token_counts").EnumerateArray().Select(c => c.GetInt32())];
        Compare(figures, model, counts);
        using (no_grad()) Compare(figures, model, counts);
    }

    private static void Compare(SiglipCase figures, SiglipVisionModel model, int[] counts)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = figures.Input("pixel_values"), before = pixels.clone();
        IReadOnlyList<Tensor> states = model.HiddenStates(pixels);
        for (int i = 0; i < states.Count; i++)
        {
            string name = $"hidden_states.{i.ToString(CultureInfo.InvariantCulture)}";
            figures.AreClose(name, states[i]);
            figures.AreClose(name, model.HiddenState(pixels, i));
            figures.AreClose(name, model.HiddenState(pixels, i - states.Count));
        }
        figures.AreClose("last_hidden_state", model.LastHiddenState(pixels));
        if (model.Config.UseHead) figures.AreClose("pooler_output", model.Pooled(pixels));
        foreach (int count in counts) CompareTokens(figures, model, pixels, count);
        Assert.IsTrue(pixels.Equals(before) || (pixels - before).abs().max().item<float>() == 0, "the pictures were changed");
    }

    private static void CompareTokens(SiglipCase figures, SiglipVisionModel model, Tensor pixels, int count)
    {
        foreach ((string suffix, bool normalize) in new[] { ("", false), (".normalized", true) })
        {
            string name = $"tokens.{count.ToString(CultureInfo.InvariantCulture)}{suffix}";
            var encoder = new VisualTokenEncoder(model.Transformer, new VisualTokenSettings(count, Normalize: normalize));
            figures.AreClose(name, encoder.Encode(pixels));
        }
    }
}
