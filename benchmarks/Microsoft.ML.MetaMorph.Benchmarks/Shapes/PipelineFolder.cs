namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Two folders as a pipeline opens them: <c>encoder</c> (a SigLIP with its preprocessor) and <c>model</c> (a MetaMorph with its tokenizer).</summary>
internal static class PipelineFolder
{
    public const string Encoder = "encoder", Model = "model";
    private const int VisualTokens = 16;

    public static string Prepare(string path, SiglipVisionConfig vision, LanguageModelConfig language)
    {
        new ModelFolder(Path.Combine(path, Encoder), $"encoder {vision}, {VisualTokens} tokens").Prepare(folder =>
        {
            var settings = new ImageEncoderSettings(vision, new ImagePreprocessorConfig { Height = vision.ImageSize, Width = vision.ImageSize }, new VisualTokenSettings(VisualTokens), Precision.Auto);
            using var model = new ImageEncoderModel(settings, _ => ModelFolder.Fresh(), storage: null);
            ImageEncoderFolder.Save(model, folder.Path);
        });
        new ModelFolder(Path.Combine(path, Model), $"model {language}, {VisualTokens} tokens of {vision.HiddenSize}").Prepare(folder =>
        {
            LanguageTokenizer tokenizer = LanguageTokenizer.Train(SampleText.Sentences, new BytePairTrainingOptions { VocabularySize = 400, MinimumFrequency = 1 });
            MetaMorphConfig config = ModelShapes.MetaMorph(language, VisualTokens, vision.HiddenSize) with
            {
                ImageStartId = tokenizer.TokenId(ImageMarks.Start)!.Value,
                ImageEndId = tokenizer.TokenId(ImageMarks.End)!.Value,
            };
            tokenizer.Save(folder.Path);
            using var model = new MetaMorphModel(config, ModelFolder.Fresh());
            folder.WriteConfig(JsonFile.Bytes(config.Write));
            folder.WriteModel(model);
        });
        return path;
    }
}
