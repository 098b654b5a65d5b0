using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A random model whose answers have no end of their own, with a tokenizer to go with it: 4 visual tokens of width 8.</summary>
internal static class EndlessModel
{
    public const int TokenCount = 4, Width = 8, PictureLength = TokenCount * Width;

    private const string Template = "{% if messages[0].content == 'refuse' %}{{ raise_exception('not that') }}{% endif %}"
        + "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";

    public static MetaMorphTransformer Create(MLContext ml, GenerationOptions? generation = null, string? systemMessage = null, int positions = int.MaxValue)
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["user: system: assistant: a red square, a blue circle"], new BytePairTrainingOptions { VocabularySize = 290, EndOfSequence = null, ChatTemplate = Template });
        var language = new LanguageModelConfig
        {
            VocabularySize = tokenizer.HighestId + 1,
            HiddenSize = 16,
            IntermediateSize = 24,
            LayerCount = 1,
            HeadCount = 2,
            KeyValueHeadCount = 1,
            HeadWidth = 8,
            InitializerRange = 0.4,
            MaxPositions = positions,
        };
        var config = new MetaMorphConfig
        {
            Language = language,
            VisualTokenWidth = Width,
            VisualTokenCount = TokenCount,
            ImageStartId = tokenizer.TokenId("<image_start>")!.Value,
            ImageEndId = tokenizer.TokenId("<image_end>")!.Value,
        };
        using Generator generator = new(11);
        var model = new ResponseModel(new MetaMorphModel(config, new FreshParameters(CPU, generator)), new ConversationText(tokenizer), Precision.Float32, storage: null);
        var settings = new MetaMorphSettings
        {
            PromptColumnName = "Prompt",
            VisualTokensColumnName = "VisualTokens",
            OutputColumnName = "PredictedResponse",
            OutputVisualTokensColumnName = "ResponseVisualTokens",
            SystemMessage = systemMessage,
            Generation = generation ?? new GenerationOptions { MaxNewTokens = 40, Temperature = 1 },
        };
        return new MetaMorphTransformer(ml, settings, new Lease<ResponseModel>(model));
    }

    public static float[] Pictures(int count, int seed = 3)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count * PictureLength).Select(_ => (float)random.NextDouble() - 0.5f)];
    }
}
