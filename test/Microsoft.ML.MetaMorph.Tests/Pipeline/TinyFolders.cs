using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Folders in Hugging Face layout with random weights of a few thousand parameters.</summary>
internal static class TinyFolders
{
    private static readonly SiglipVisionConfig Vision = new() { ImageSize = 16, PatchSize = 4, HiddenSize = 8, IntermediateSize = 32, HiddenLayers = 1, AttentionHeads = 2, UseHead = false };

    /// <summary>A MetaMorph of one layer with tied embeddings, which reads 4 visual tokens of width 8.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="extra">Tensors in the file beside the model's: [2, 3] each.</param>
    /// <returns>The number of the model's own tensors.</returns>
    public static int SaveMetaMorph(string folder, params string[] extra)
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["Which colour? red", "Draw a green square."], new BytePairTrainingOptions { VocabularySize = 280 });
        TrainableModel made = TrainableModel.Fresh(TinyModels.Architecture, tokenizer, new VisualTokenSizes(4, 8), CPU, seed: 1);
        using MetaMorphModel model = made.Model;
        Directory.CreateDirectory(folder);
        made.Text.Tokenizer.Save(folder);
        File.WriteAllBytes(Path.Combine(folder, "config.json"), JsonFile.Bytes(model.Config.Write));
        return Write(folder, model, extra);
    }

    /// <summary>A language model of one layer with tied embeddings, whose tokenizer knows no images.</summary>
    /// <inheritdoc cref="SaveMetaMorph"/>
    public static int SaveLanguageModel(string folder, params string[] extra)
    {
        var training = new BytePairTrainingOptions { VocabularySize = 280 };
        training.SpecialTokens = [.. training.SpecialTokens.Where(token => !token.Contains("image"))];
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["Which colour? red", "Draw a green square."], training);
        LanguageModelConfig config = TinyModels.Architecture.ToConfig(tokenizer);
        using var generator = new Generator(7, CPU);
        using var model = new CausalLanguageModel(config, new FreshParameters(CPU, generator));
        Directory.CreateDirectory(folder);
        tokenizer.Save(folder);
        File.WriteAllBytes(Path.Combine(folder, "config.json"), JsonFile.Bytes(config.Write));
        return Write(folder, model, extra);
    }

    /// <summary>A vision tower of one block for pictures of 16×16, without a pooling head; 4 visual tokens of width 8.</summary>
    /// <inheritdoc cref="SaveMetaMorph"/>
    public static int SaveEncoder(string folder, params string[] extra)
    {
        using var generator = new Generator(7, CPU);
        using var model = new SiglipVisionModel(Vision, new FreshParameters(CPU, generator));
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "config.json"), JsonFile.Bytes(Vision.Write));
        File.WriteAllBytes(Path.Combine(folder, "preprocessor_config.json"), JsonFile.Bytes(new ImagePreprocessorConfig { Height = 16, Width = 16 }.Write));
        return Write(folder, model, extra);
    }

    private static int Write(string folder, nn.Module model, string[] extra)
    {
        using var scope = NewDisposeScope();
        KeyValuePair<string, Tensor>[] own = [.. model.named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];
        SafeTensorsWriter.WriteSharded(folder, own.Concat(extra.Select(name => KeyValuePair.Create(name, ones(2, 3)))));
        return own.Length;
    }
}
