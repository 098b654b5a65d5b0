using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class PublishedContinuationTests
{
    public static IEnumerable<object[]> Duals() => ReferenceCase.Own("siglip-dual").Select(c => new object[] { c.Name });

    [TestInitialize]
    public void BeginOneThread() => OneThread.Begin();

    [TestCleanup]
    public void EndOneThread() => OneThread.End();

    [TestMethod]
    [DynamicData(nameof(Duals))]
    public void APublishedModelGoesOnLearningUnderItsNames(string name)
    {
        using var scope = NewDisposeScope();
        var reference = ReferenceCase.OwnCase(name);
        SiglipConfig config = SiglipConfig.FromJson(JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement);
        var tokens = new CaptionTokens(config.Text.VocabularySize, End: 1, Pad: 1);
        LanguageImagePretrainingOptions options = new() { ContrastiveWeight = 1, MaximumSteps = 12, LearningRate = 1e-3, VisualTokenCount = 4, MaximumTextLength = config.Text.MaxPositions, Precision = Precision.Float32 };
        var published = new PlainParameters(reference.Path("model.safetensors"));
        using var model = LanguageImageModel.Continue(LanguageImageModelConfig.Create(options, tokens, config.Vision, config.Text), published, seed: 1);
        CollectionAssert.AreEquivalent(published.Names.ToArray(), model.EncoderParameters().Select(p => p.Name).ToArray());
        Tensor pixels = reference["pixel_values"], ids = reference["input_ids"];
        reference.AreClose(reference["logits_per_image"], model.LogitsPerImage(model.Vision.HiddenState(pixels), ids), reference.Tolerance, "logits before training");

        var losses = new List<double>();
        using var trainer = new LanguageImagePretrainer(model, options, tokens);
        int[][] captions = [.. Enumerable.Range(0, (int)ids.size(0)).Select(i => ids[i].data<long>().Take(5).Select(id => (int)id).ToArray())];
        trainer.Train(Enumerable.Repeat(0, int.MaxValue).Select(_ => new LanguageImageBatch(pixels.clone(), captions)), progress => losses.Add(progress.Loss.Total));
        Assert.AreEqual(12, losses.Count);
        Assert.IsTrue(losses[^1] < losses[0] * 0.8, $"losses {string.Join(", ", losses)}");
    }
}
