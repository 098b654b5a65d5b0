using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class AddedTokenParametersTests
{
    [TestMethod]
    [DataRow("llama-3", 61)]
    [DataRow("smollm2", 61)]
    [DataRow("qwen2", 50)]      // published tables may be longer than the tokenizer
    [DataRow("qwen2", 60)]
    public void NewRowsAreTheMeanOfAllRowsBeforeThem(string name, int firstAdded)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfig config = TinyLanguageModels.Configs[name];
        using CausalLanguageModel old = TinyLanguageModels.Create(name);
        using var generator = new Generator(7);
        var source = new AddedTokenParameters(new FreshParameters(CPU, generator), config.VocabularySize, firstAdded, 2);
        Assert.AreEqual(Math.Max(61, firstAdded + 2), source.Rows);
        using var extended = new CausalLanguageModel(config with { VocabularySize = source.Rows }, source);
        foreach ((Tensor before, Tensor after) in new[] { (old.Model.Embedding.Weight, extended.Model.Embedding.Weight), (old.OutputWeight, extended.OutputWeight) })
        {
            Tensor mean = before.narrow(0, 0, firstAdded).mean([0], type: ScalarType.Float64).to(ScalarType.Float32);
            for (int i = 0; i < source.Rows; i++)
                TensorAssert.AreClose(i == firstAdded || i == firstAdded + 1 ? mean : before[i], after[i], 0, $"row {i}");
            Assert.IsTrue(after.requires_grad);
        }
        Assert.AreEqual(config.TieWordEmbeddings, extended.Head is null);
    }

    [TestMethod]
    public void NamesAndShapesNeedNoMemory()
    {
        var source = new AddedTokenParameters(new MetaParameters(), 128_256, 128_256, 2);
        using var model = new CausalLanguageModel(TinyLanguageModels.Configs["llama-3"] with { VocabularySize = 128_258 }, source);
        CollectionAssert.AreEqual((long[])[128_258, 24], model.OutputWeight.shape);
    }

    [TestMethod]
    public void AGapIsRefused()
        => Assert.AreEqual("The tokenizer's next free id is 63, but the model has 61 embedding rows: tokens can be added only where the rows before them exist.", Assert.ThrowsExactly<InvalidDataException>(() => new AddedTokenParameters(new MetaParameters(), 61, 63, 2)).Message);
}
