using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class LanguageModelArchitectureTests
{
    private static readonly LanguageTokenizer Tokenizer = LanguageTokenizer.Train(["a few words to begin with"], new BytePairTrainingOptions { VocabularySize = 300 });

    [TestMethod]
    [DataRow(128, null, 0.0559017)]         // √(2 / 640)
    [DataRow(256, null, 0.0395285)]         // √(2 / 1280)
    [DataRow(128, 0.02, 0.02)]
    public void FreshWeightsHaveTheDeviationOfTheirWidth(int width, double? range, double expected)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfig config = new LanguageModelArchitecture { HiddenSize = width, HeadCount = 4, KeyValueHeadCount = 2, LayerCount = 2, InitializerRange = range }.ToConfig(Tokenizer);
        Assert.AreEqual(expected, config.InitializerRange, 1e-6);
        var model = new CausalLanguageModel(config, new FreshParameters(CPU, new Generator(3, CPU)));
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            if (parameter.dim() == 2) Assert.AreEqual(expected, parameter.std().item<float>(), 0.03 * expected, name);
        }
    }
}
