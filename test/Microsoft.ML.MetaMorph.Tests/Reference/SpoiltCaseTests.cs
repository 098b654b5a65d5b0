using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A reference case from which something was taken, or to which something was added that nothing compares, does not pass.</summary>
[TestClass]
public sealed class SpoiltCaseTests
{
    private const string Case = ReferenceCase.CaseFile, Figures = ReferenceCase.FiguresFile, Extra = "of.nothing";

    public static IEnumerable<object[]> OneOfEveryKind() => ReferenceFolder.Cases(ReferenceFolder.Own).Select(ReferenceCase.OwnCase)
        .Where(c => c.Kind is not "frechet").GroupBy(c => c.Kind).Select(cases => new object[] { cases.First().Name });

    [TestMethod]
    [DynamicData(nameof(OneOfEveryKind))]
    public void AFigureThatNothingComparesFails(string name)
    {
        using ScratchFolder folder = Copy(name);
        Rewrite(folder, figures => figures[Extra] = ones(3));
        Exception failure = Assert.Throws<Exception>(() => Check(folder));
        StringAssert.Contains(failure.Message, Extra);
    }

    /// <summary>What a case of the kind must have; where a figure is one of several, all of them are taken.</summary>
    [TestMethod]
    [DataRow("language-qwen3", "logits", "no tensor 'logits'")]
    [DataRow("language-qwen3", "final_hidden", "no tensor 'final_hidden'")]
    [DataRow("language-qwen3", "layer1_hidden", "begins with 'layer'")]
    [DataRow("language-qwen3", "greedy_prompt", "no tensor 'greedy_prompt'")]
    [DataRow("language-qwen3", "greedy_ids", "no tensor 'greedy_ids'")]
    [DataRow("metamorph-linear-4", "generate.input_ids", "no tensor 'generate.input_ids'")]
    [DataRow("metamorph-linear-4", "generate.text_ids", "no tensor 'generate.text_ids'")]
    [DataRow("metamorph-linear-4", "generate.*", "no tensor 'generate.input_ids'")]
    [DataRow("metamorph-linear-4", "row2.pixel_values", "no tensor 'row2.pixel_values'")]
    [DataRow("metamorph-linear-4", "grad.vision_head.*", "begins with 'grad.vision_head.'")]
    [DataRow("metamorph-linear-4", "adamw.losses", "no tensor 'adamw.losses'")]
    [DataRow("packing", "grad.lm_head.weight", "begins with 'grad.lm_head.'")]
    [DataRow("packing", "position_ids", "no tensor 'position_ids'")]
    [DataRow("optim-adamw", "plain.step5.bias", "no tensor 'plain.step5.bias'")]
    [DataRow("optim-adamw", "decay.norms", "no tensor 'decay.norms'")]
    [DataRow("sampling", "3.probabilities", "no tensor '3.probabilities'")]
    [DataRow("schedules", "7", "no tensor '7'")]
    [DataRow("ema", "start.frozen", "no tensor 'start.frozen'")]
    [DataRow("interpolate", "5-7.output.bf16", "5-7.output.bf16")]
    [DataRow("siglip-small-grid", "tokens.4.normalized", "no tensor 'tokens.4.normalized'")]
    [DataRow("siglip-small-grid", "pooler_output", "no tensor 'pooler_output'")]
    [DataRow("siglip-pooled", "grad.text_model.*", "begins with 'grad.text_model.'")]
    [DataRow("siglip2-naflex", "positions", "no tensor 'positions'")]
    [DataRow("siglip-preprocessing", "rgba-50x40.56", "pictures without figures: rgba-50x40.png")]
    [DataRow("weights-sharded", "embed_tokens.float32", "no tensor in float32 to compare")]
    [DataRow("weights-sharded", "logits", "no tensor 'logits'")]
    [DataRow("sd-unet-options", "mse", "no tensor 'mse'")]
    [DataRow("sd-unet-options", "grad.*", "begins with 'grad.'")]
    [DataRow("sd-unet-options", "odd_output", "no tensor 'odd_output'")]
    [DataRow("sd-vae-options", "logvar", "no tensor 'logvar'")]
    [DataRow("sd-schedulers", "euler.20.*", "no tensor 'euler.20.timesteps'")]
    [DataRow("sd-schedulers", "ddpm.*", "no tensor 'ddpm.alphas_cumprod'")]
    [DataRow("vpred", "4.first", "no tensor '4.first'")]
    [DataRow("sd-img2img", "4.noised", "no tensor '4.noised'")]
    [DataRow("adapter-mlp-2", "output", "no tensor 'output'")]
    [DataRow("autoencoder-training", "step2.quant_conv.bias", "no tensor 'step2.quant_conv.bias'")]
    [DataRow("lora-peft", "logits.base", "no tensor 'logits.base'")]
    [DataRow("lora-peft", "logits.adapter", "no tensor 'logits.adapter'")]
    [DataRow("lora-peft", "logits.merged", "no tensor 'logits.merged'")]
    [DataRow("lora-peft", "merged.*", "begins with 'merged.'")]
    [DataRow("lora-peft", "grad.*", "begins with 'grad.'")]
    [DataRow("lora-peft", "adamw.losses", "no tensor 'adamw.losses'")]
    [DataRow("lora-peft", "adamw.base_model.*", "no weight after the steps")]
    public void AFigureThatTheKindHasFailsWhereItIsMissing(string name, string missing, string message)
    {
        using ScratchFolder folder = Copy(name);
        Rewrite(folder, figures =>
        {
            string[] taken = [.. figures.Keys.Where(key => missing.EndsWith('*') ? key.StartsWith(missing[..^1], StringComparison.Ordinal) : key == missing)];
            Assert.IsNotEmpty(taken, $"{name} has no {missing}");
            foreach (string key in taken) figures.Remove(key);
        });
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), message);
    }

    [TestMethod]
    [DataRow("metamorph-linear-4", "grad.lm_head.weight", "grad.lm_head.weight")]
    [DataRow("metamorph-linear-4", "adamw.losses", "adamw.losses: loss part 0 at step 0")]
    [DataRow("metamorph-linear-4", "language_loss", "language loss")]
    [DataRow("schedules", "7", "step 0")]
    [DataRow("optim-adamw", "plain.norms", "norm at step 0")]
    [DataRow("siglip-pooled", "grad.logit_bias", "grad.logit_bias")]
    [DataRow("interpolate", "5-7.output.bf16", "5-7.output.bf16")]
    [DataRow("sampling", "0.processed", "0.processed")]
    [DataRow("ema", "start.frozen", "start.frozen")]
    [DataRow("ema", "plain.decays", "plain: decay 0")]
    [DataRow("sd-unet-options", "grad.conv_out.bias", "grad.conv_out.bias")]
    [DataRow("autoencoder-training", "plain.losses.0", "plain: total at step 0")]
    [DataRow("autoencoder-training", "scaling_factor", "scaling factor")]
    [DataRow("lora-peft-rslora", "adamw.losses", "adamw.losses at step 0")]
    [DataRow("lora-peft-rslora", "logits.merged", "logits.merged")]
    public void AnInfinityFails(string name, string figure, string message)
    {
        using ScratchFolder folder = Copy(name);
        Rewrite(folder, figures => figures[figure].flatten()[0] = double.PositiveInfinity);
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), message, "the figure ", "which nothing can be compared with");
    }

    [TestMethod]
    public void AStartThatShowsNothingFails()
    {
        using ScratchFolder folder = Copy("ema");
        Rewrite(folder, figures => figures["start"].copy_(figures["update.0"]));
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), "start has an element of update.0");
    }

    [TestMethod]
    public void AnAverageThatNothingComparesFails()
    {
        using ScratchFolder folder = Copy("ema");
        Check(folder);
        JsonNode json = JsonNode.Parse(File.ReadAllText(folder[Case]))!;
        json["cases"]!.AsObject().Remove("late");
        folder.Write(Case, json.ToJsonString());
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), "figures that nothing compares", "late.0, late.1, late.2, late.3, late.4, late.decays, late.frozen.0");
    }

    [TestMethod]
    public void AnAverageOfNoStepsFails()
    {
        using ScratchFolder folder = Copy("ema");
        Rewrite(folder, figures => figures["capped.decays"] = zeros([0], ScalarType.Float64));
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), "capped: decays of 5 updates");
    }

    [TestMethod]
    public void AListOfTensorsFailsThoughTheirFileMayBeRefused()
    {
        using ScratchFolder folder = Copy("weights-bin");
        JsonNode json = JsonNode.Parse(File.ReadAllText(folder[Case]))!;
        json["files"]!.AsArray().Single(file => (string)file!["file"]! == "deflated.bin")!["tensors"]![0] = "x";
        folder.Write(Case, json.ToJsonString());
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), "the case's own list for deflated.bin");
    }

    [TestMethod]
    public void ACurveThatStopsEarlyFails()
    {
        using ScratchFolder folder = Copy("schedules");
        Rewrite(folder, figures => figures["0"] = figures["0"].narrow(0, 0, 60).clone());
        TensorAssert.Throws<AssertFailedException>(() => Check(folder), "a curve reaches the last of its steps");
    }

    private static void Check(ScratchFolder folder) => ReferenceTests.Check(new ReferenceCase(folder.Path));

    private static ScratchFolder Copy(string name)
    {
        var folder = new ScratchFolder();
        string from = ReferenceCase.OwnCase(name).Folder;
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string to = folder[Path.GetRelativePath(from, file)];
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
        return folder;
    }

    private static void Rewrite(ScratchFolder folder, Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> figures = File.Exists(folder[Figures]) ? PlainSafeTensors.Read(folder[Figures]) : [];
        change(figures);
        File.Delete(folder[Figures]);
        SafeTensorsWriter.Write(folder[Figures], figures);
    }
}
