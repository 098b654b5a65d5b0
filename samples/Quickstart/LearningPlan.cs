using Microsoft.ML.MetaMorph;
using Scenes;

namespace Quickstart;

/// <summary>A world, and the sizes of models that learn it in the time that it is given.</summary>
internal sealed record LearningPlan
{
    /// <summary>What there is to see.</summary>
    public required SceneWorld World { get; init; }

    /// <summary>Minutes for everything, if nothing else is asked for.</summary>
    public required double Minutes { get; init; }

    /// <summary>Of all the time. Seeing comes first: what the encoder misses, nobody can tell afterwards.</summary>
    public required double EncoderShare { get; init; }

    /// <summary>Of all the time. What these two leave is the language model's.</summary>
    public required double VisualizerShare { get; init; }

    /// <summary>The eyes; time comes from the budget.</summary>
    public required LanguageImagePretrainingOptions Encoder { get; init; }

    /// <summary>The brush.</summary>
    public required VisualizerArchitecture Visualizer { get; init; }

    /// <summary>What answers.</summary>
    public required LanguageModelArchitecture LanguageModel { get; init; }

    /// <summary>How that learns; time comes from the budget.</summary>
    public required VisualPredictiveTrainingOptions Training { get; init; }

    /// <summary>Ten minutes on two processor cores, with everything around them.</summary>
    public static LearningPlan Small { get; } = new()
    {
        World = SceneWorld.Small,
        Minutes = 8.5,
        EncoderShare = 0.16,
        VisualizerShare = 0.22,
        Encoder = Eyes,
        Visualizer = new VisualizerArchitecture { ImageSize = ScenePainter.Side },
        LanguageModel = new LanguageModelArchitecture { HiddenSize = 128, LayerCount = 2, HeadCount = 8, KeyValueHeadCount = 4 },
        Training = Schooling,
    };

    /// <summary>Eighty minutes: twice as many shapes, more colours and backgrounds, two sizes, up to three objects. More words need a wider model, and more shapes a longer look.</summary>
    public static LearningPlan Full { get; } = Small with
    {
        World = SceneWorld.Full,
        Minutes = 80,
        EncoderShare = 0.15,
        VisualizerShare = 0.45,
        Encoder = Eyes with { LayerCount = 3 },     // with one, shapes lie less far apart in the same time
        LanguageModel = Small.LanguageModel with { HiddenSize = 192 },
    };

    /// <summary>
    /// One patch, and so one visual token, for each of the nine places: 3 × 21 pixels. One layer: with more of them each token tells of the other
    /// places too, which makes it harder to find out what is where.
    /// </summary>
    private static LanguageImagePretrainingOptions Eyes => new() { ImageSize = 63, PatchSize = 21, VisualTokenCount = 9, Width = 128, LayerCount = 1, BatchSize = 16 };

    /// <summary>
    /// A picture is much to say: nine visual tokens, most of them background. With the paper's coefficient of 1 the words, which are learned soon,
    /// lead the way for most of the time.
    /// </summary>
    private static VisualPredictiveTrainingOptions Schooling => new() { BatchSize = 16, LearningRate = 1e-3, Beta2 = 0.98, MaximumGradientNorm = 1, VisionCoefficient = 12 };

    /// <summary>The plan of a name on the command line.</summary>
    public static LearningPlan Named(string name) => name == "full" ? Full : Small;
}
