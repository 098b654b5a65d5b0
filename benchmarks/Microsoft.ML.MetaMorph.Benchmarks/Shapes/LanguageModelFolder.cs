using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A language model stored in bfloat16, a prompt, and the tokens after it on which both sides must agree.</summary>
internal static class LanguageModelFolder
{
    public static ModelFolder Prepare(string path, LanguageModelConfig config, int prompt, int steps)
    {
        var folder = new ModelFolder(path, $"{config}, bfloat16, prompt of {prompt}, {steps} steps");
        folder.Prepare(target =>
        {
            using var model = new CausalLanguageModel(config, ModelFolder.Fresh(ScalarType.BFloat16));
            target.WriteConfig(JsonFile.Bytes(config.Write));
            target.WriteModel(model);
            target.WriteInputs(("prompt", Ids(prompt, 1)), ("forced", Ids(steps + 1, 2)));
        });
        return folder;

        Tensor Ids(int count, ulong seed) => randint(0, config.VocabularySize, [count], dtype: ScalarType.Int64, generator: new Generator(seed));
    }
}
