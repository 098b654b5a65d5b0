namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The published sizes that are measured, and tiny ones of the same form (<c>--shrink</c>) to try the whole path in seconds.</summary>
internal static class ModelShapes
{
    /// <summary>google/siglip-base-patch16-224, vision tower.</summary>
    public static SiglipVisionConfig SiglipBase { get; } = new();

    /// <summary>google/siglip-so400m-patch14-384, vision tower.</summary>
    public static SiglipVisionConfig SiglipSo400m { get; } = new()
    {
        HiddenSize = 1152,
        IntermediateSize = 4304,
        HiddenLayers = 27,
        AttentionHeads = 16,
        ImageSize = 384,
        PatchSize = 14,
    };

    public static SiglipVisionConfig SiglipSmall { get; } = new() { HiddenSize = 384, IntermediateSize = 1536, HiddenLayers = 6, AttentionHeads = 6 };

    public static SiglipVisionConfig SiglipTiny { get; } = new()
    {
        HiddenSize = 64,
        IntermediateSize = 128,
        HiddenLayers = 2,
        AttentionHeads = 2,
        ImageSize = 64,
    };

    /// <summary>meta-llama/Llama-3.2-1B.</summary>
    public static LanguageModelConfig Llama1B { get; } = new()
    {
        VocabularySize = 128_256,
        HiddenSize = 2048,
        IntermediateSize = 8192,
        LayerCount = 16,
        HeadCount = 32,
        KeyValueHeadCount = 8,
        HeadWidth = 64,
        RopeTheta = 500_000,
        RopeScaling = new RopeScaling(RopeScalingKind.Llama3, 32),
        MaxPositions = 131_072,
        TieWordEmbeddings = true,
    };

    /// <summary>HuggingFaceTB/SmolLM2-135M.</summary>
    public static LanguageModelConfig SmolLM135M { get; } = new()
    {
        VocabularySize = 49_152,
        HiddenSize = 576,
        IntermediateSize = 1536,
        LayerCount = 30,
        HeadCount = 9,
        KeyValueHeadCount = 3,
        HeadWidth = 64,
        RopeTheta = 100_000,
        MaxPositions = 8192,
        TieWordEmbeddings = true,
    };

    /// <summary>HuggingFaceTB/SmolLM2-360M.</summary>
    public static LanguageModelConfig SmolLM360M { get; } = SmolLM135M with { HiddenSize = 960, IntermediateSize = 2560, LayerCount = 32, HeadCount = 15, KeyValueHeadCount = 5 };

    public static LanguageModelConfig LlamaSmall { get; } = SmolLM135M with { VocabularySize = 1024, HiddenSize = 512, IntermediateSize = 1408, LayerCount = 8, HeadCount = 8, KeyValueHeadCount = 4 };

    public static LanguageModelConfig LlamaTiny { get; } = SmolLM135M with { VocabularySize = 512, HiddenSize = 64, IntermediateSize = 128, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HeadWidth = 16 };

    /// <summary>Stable Diffusion 1.5's UNet and autoencoder with the published adapter (64 tokens of 1152 → 768).</summary>
    public static VisualizerConfig StableDiffusion { get; } = new()
    {
        Adapter = new VisualTokenAdapterConfig(),
        UNet = UNet2DConditionConfig.StableDiffusion15,
        Autoencoder = AutoencoderKLConfig.StableDiffusion15,
        Scheduler = SchedulerConfig.StableDiffusion,
    };

    /// <summary>The same parts with two resolutions; pictures of 16 pixels.</summary>
    public static VisualizerConfig StableDiffusionTiny { get; } = new()
    {
        Adapter = new VisualTokenAdapterConfig { InputWidth = 64, HiddenWidth = 96, OutputWidth = 48, TokenCount = 16 },
        UNet = UNet2DConditionConfig.StableDiffusion15 with
        {
            SampleSize = [8],
            BlockChannels = [32, 64],
            DownCrossAttention = [true, false],
            UpCrossAttention = [false, true],
            LayersPerBlock = [1, 1],
            TransformerLayers = [1, 1],
            AttentionHeads = [2, 2],
            CrossAttentionWidth = 48,
        },
        Autoencoder = AutoencoderKLConfig.StableDiffusion15 with { BlockChannels = [32, 64], LayersPerBlock = 1, SampleSize = [16] },
        Scheduler = SchedulerConfig.StableDiffusion,
    };

    /// <summary>A MetaMorph around a language model, with the paper's connectors.</summary>
    public static MetaMorphConfig MetaMorph(LanguageModelConfig language, int visualTokenCount, int visualTokenWidth) => new()
    {
        Language = language,
        VisualTokenCount = visualTokenCount,
        VisualTokenWidth = visualTokenWidth,
        ImageStartId = language.VocabularySize - 2,
        ImageEndId = language.VocabularySize - 1,
    };
}
