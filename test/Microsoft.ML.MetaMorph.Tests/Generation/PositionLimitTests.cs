using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Prompt and response together have no more positions than the model was made for.</summary>
[TestClass]
public sealed class PositionLimitTests
{
    private const int Start = 60, End = 61, Positions = 12, TokenCount = 4, Width = 12;

    [TestMethod]
    [DataRow(5, 100, 7)]
    [DataRow(5, 7, 7)]
    [DataRow(5, 3, 3)]
    [DataRow(10, 100, 2)]
    [DataRow(11, 100, 1)]
    public void AResponseEndsWithTheLastPosition(int prompt, int maxNewTokens, int expected)
    {
        using MetaMorphModel model = Model();
        foreach (ResponseDecoder decoder in VectorizedDecoderTests.Decoders(model.Language, model))
        {
            using var generator = new ResponseGenerator(model.Language, model, decoder, new GenerationOptions { MaxNewTokens = maxNewTokens }, endIds: []);
            // beside a shorter prompt, which goes on for longer
            IReadOnlyList<GeneratedResponse> responses = generator.Generate([new GenerationRequest([.. Enumerable.Repeat(7, prompt)], []) { ForcedIds = [.. Enumerable.Repeat(9, 50)] }, new GenerationRequest([3], []) { ForcedIds = [.. Enumerable.Repeat(9, 50)] }]);
            Assert.AreEqual((expected, ResponseFinishReason.Length), (responses[0].Positions, responses[0].FinishReason), decoder.Name);
            Assert.AreEqual((Math.Min(maxNewTokens, Positions - 1), ResponseFinishReason.Length), (responses[1].Positions, responses[1].FinishReason), decoder.Name);
        }
    }

    [TestMethod]
    public void AnImageThatHasNoPlaceIsDropped()
    {
        using MetaMorphModel model = Model();
        using var generator = new ResponseGenerator(model, new GenerationOptions(), endIds: []);
        // 1 + 4 visual tokens of the prompt + 1 = 6 positions; then text, image-start, and 4 visual tokens: whole
        GeneratedResponse whole = generator.Generate(Drawing([1, MetaMorphModel.ImagePlaceholder, End]));
        Assert.AreEqual((6, 1, 0, ResponseFinishReason.Length), (whole.Positions, whole.ImageCount, whole.DroppedVisualTokens, whole.FinishReason));
        GeneratedResponse cut = generator.Generate(Drawing([1, MetaMorphModel.ImagePlaceholder, End, 5]));
        Assert.AreEqual((5, 0, 3, ResponseFinishReason.Length), (cut.Positions, cut.ImageCount, cut.DroppedVisualTokens, cut.FinishReason));

        static GenerationRequest Drawing(int[] ids) => new(ids, new float[TokenCount * Width]) { ForcedIds = [7, Start] };
    }

    [TestMethod]
    public void APromptWithoutPlaceForAnAnswerIsRefused()
    {
        using MetaMorphModel model = Model();
        using var generator = new ResponseGenerator(model, new GenerationOptions(), endIds: []);
        const string Rest = "but the model reads at most 11 and answers at one more (max_position_embeddings 12). Shorten the prompt, or take a model for longer texts.";
        var failure = Assert.ThrowsExactly<GenerationRequestException>(() => generator.Generate([new GenerationRequest([3], []), new GenerationRequest([.. Enumerable.Repeat(7, 12)], [])]));
        Assert.AreEqual((1, $"takes 12 positions, {Rest}"), (failure.Request, failure.Problem));
        int[] ids = [1, MetaMorphModel.ImagePlaceholder, 5, MetaMorphModel.ImagePlaceholder, 5, 6];
        failure = Assert.ThrowsExactly<GenerationRequestException>(() => generator.Generate(new GenerationRequest(ids, new float[2 * TokenCount * Width])));
        Assert.AreEqual((0, $"takes 12 positions, 2 pictures of 4 among them, {Rest}"), (failure.Request, failure.Problem));
    }

    private static MetaMorphModel Model()
    {
        LanguageModelConfig language = new()
        {
            VocabularySize = 62,
            HiddenSize = 32,
            IntermediateSize = 40,
            LayerCount = 2,
            HeadCount = 4,
            KeyValueHeadCount = 2,
            HeadWidth = 8,
            MaxPositions = Positions,
        };
        var config = new MetaMorphConfig { Language = language, VisualTokenWidth = Width, VisualTokenCount = TokenCount, ImageStartId = Start, ImageEndId = End };
        return new MetaMorphModel(config, new FreshParameters(CPU, new Generator(11)));
    }
}
