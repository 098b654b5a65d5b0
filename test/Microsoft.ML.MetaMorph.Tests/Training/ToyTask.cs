using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// A world of a few classes, each with a word and a fixed picture of visual tokens. Rows ask for the word of a picture or for the picture
/// of a word; padding words give them unlike lengths.
/// </summary>
internal static class ToyTask
{
    public const int Classes = 4, Tokens = 2, Width = 6, Vocabulary = 16, ImageStart = 14, ImageEnd = 15;

    private const int Begin = 0, Question = 1, Request = 2, End = 3, FirstPadding = 4, FirstWord = 8;

    public static MetaMorphConfig Config { get; } = new()
    {
        Language = new LanguageModelConfig
        {
            VocabularySize = Vocabulary,
            HiddenSize = 24,
            IntermediateSize = 48,
            LayerCount = 2,
            HeadCount = 4,
            KeyValueHeadCount = 2,
            HeadWidth = 6,
            TieWordEmbeddings = true,
            InitializerRange = 0.1,
        },
        VisualTokenWidth = Width,
        VisualTokenCount = Tokens,
        ImageStartId = ImageStart,
        ImageEndId = ImageEnd,
    };

    public static MetaMorphModel Model(int seed = 1, MetaMorphConfig? config = null)
    {
        using Generator generator = new((ulong)seed);
        return new MetaMorphModel(config ?? Config, new FreshParameters(CPU, generator));
    }

    public static TrainingRow[] Rows(int count, int seed = 3)
    {
        var random = new Random(seed);
        float[][] pictures = Pictures();
        return [.. Enumerable.Range(0, count).Select(i => Row(i, i % Classes, i / Classes % 2 == 0, random.Next(3), pictures))];
    }

    /// <summary>Unit visual tokens of each class.</summary>
    public static float[][] Pictures()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(11);
        Tensor tokens = nn.functional.normalize(randn([Classes, Tokens, Width], generator: generator), dim: -1);
        return [.. Enumerable.Range(0, Classes).Select(c => tokens[c].contiguous().data<float>().ToArray())];
    }

    public static Dictionary<string, Tensor> Weights(nn.Module model) => model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());

    public static bool SameBits(Tensor a, Tensor b) => a.equal(b).all().item<bool>();

    private static TrainingRow Row(int number, int kind, bool asksForWord, int padding, float[][] pictures)
    {
        int word = FirstWord + kind;
        int[] pad = [.. Enumerable.Range(0, padding).Select(i => FirstPadding + i)];
        int[] prompt = asksForWord ? [Begin, Question, ImageStart, TokenSequence.ImagePlaceholder, ImageEnd, .. pad] : [Begin, Request, word, .. pad];
        int[] answer = asksForWord ? [word, End] : [ImageStart, TokenSequence.ImagePlaceholder, ImageEnd, End];
        int[] ignored = [.. prompt.Select(_ => TokenSequence.Ignored)];
        int[] labels = [.. answer.Select(id => id == TokenSequence.ImagePlaceholder ? TokenSequence.Ignored : id)];
        return new TrainingRow(new TokenSequence([.. prompt, .. answer], [.. ignored, .. labels]), pictures[kind], number);
    }
}
