using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Properties of the loop of generation on a small random model, by every engine.</summary>
[TestClass]
public sealed class ResponseGeneratorTests
{
    private const int Start = 60, End = 61, Eos = 2, Vocabulary = 62, TokenCount = 4, Width = 12;

    [TestMethod]
    public void ASeedGivesTheSameResponseAloneAndInABatch()
    {
        using MetaMorphModel model = Model();
        GenerationRequest[] requests = [.. Requests().Select((r, i) => r with { Seed = 100 + i })];
        foreach (ResponseDecoder decoder in VectorizedDecoderTests.Decoders(model.Language, model))
        {
            using var generator = Generator(model, decoder, new GenerationOptions { MaxNewTokens = 30, Temperature = 1.2f, TopK = 40, TopP = 0.95f, LogProbabilities = true });
            IReadOnlyList<GeneratedResponse> together = generator.Generate(requests);
            for (int i = 0; i < requests.Length; i++)
            {
                GeneratedResponse alone = generator.Generate(requests[i]);
                Same(alone, together[i], $"{decoder.Name}, row {i}", decoder is VectorizedDecoder ? 0 : 1e-5);
            }
            Assert.IsTrue(together.Select(t => string.Join(",", t.TokenIds)).Distinct().Count() > 1, "the rows differ");
        }
    }

    [TestMethod]
    public void EnginesAgreeWithEachOtherAndWithDecodingWithoutACache()
    {
        using MetaMorphModel model = Model();
        GenerationRequest[] requests = [.. Requests()];
        var options = new GenerationOptions { MaxNewTokens = 25, RepetitionPenalty = 1.3f, NoRepeatNGramSize = 3 };
        GeneratedResponse[] expected = [.. requests.Select(r => Uncached(model, r, options))];
        foreach (ResponseDecoder decoder in VectorizedDecoderTests.Decoders(model.Language, model))
            foreach (int chunk in (int[])[512, 3])
            {
                // the decoder is shared by both generators
                var generator = Generator(model, decoder, options.Clone());
                options.PrefillChunk = chunk;
                IReadOnlyList<GeneratedResponse> responses = generator.Generate(requests, options);
                for (int i = 0; i < requests.Length; i++) Same(expected[i], responses[i], $"{decoder.Name}, chunks of {chunk}, row {i}", 1e-4);
                if (chunk == 3) generator.Dispose();
            }
    }

    [TestMethod]
    public void ExactlyTheAllowedPositionsAndOnlyWholeImages()
    {
        using MetaMorphModel model = Model();
        for (int max = 1; max <= 14; max++)
        {
            // two images of four tokens, forced: 7 S vvvv 9 S vvvv …
            using var generator = new ResponseGenerator(model, new GenerationOptions { MaxNewTokens = max }, endIds: []);
            GeneratedResponse response = generator.Generate(new GenerationRequest([1, 5], []) { ForcedIds = [7, Start, 9, Start] });
            Assert.AreEqual(max, response.Positions);
            Assert.AreEqual(max, response.TokenIds.Length + response.ImageCount * TokenCount + response.DroppedVisualTokens);
            Assert.AreEqual(response.ImageCount * TokenCount * Width, response.VisualTokens.Length);
            Assert.AreEqual(ResponseFinishReason.Length, response.FinishReason);
            Assert.AreEqual(max < 6 ? 0 : max < 12 ? 1 : 2, response.ImageCount, $"after {max} positions");
        }
    }

    [TestMethod]
    public void AnEndTokenEndsOnlyAtATextPosition()
    {
        using MetaMorphModel model = Model();
        using var generator = new ResponseGenerator(model, new GenerationOptions { MaxNewTokens = 50 }, endIds: [Eos]);
        GeneratedResponse response = generator.Generate(new GenerationRequest([1, 5], []) { ForcedIds = [Start, 8, Eos] });
        CollectionAssert.AreEqual(new[] { Start, 8, Eos }, response.TokenIds);
        Assert.AreEqual(ResponseFinishReason.EndToken, response.FinishReason);
        Assert.AreEqual(1, response.ImageCount);
    }

    [TestMethod]
    public void AResponseCanBeMadeToBeginWithAnImage()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 20, BeginWithImage = true });
        foreach (GenerationRequest request in Requests())
        {
            GeneratedResponse response = generator.Generate(request);
            Assert.AreEqual(Start, response.TokenIds[0]);
            StringAssert.StartsWith(response.Text, GeneratedResponse.ImageMark);
        }
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => generator.Generate([new GenerationRequest([1], [])], new GenerationOptions { MaxNewTokens = 4, BeginWithImage = true })).Message,
            "MaxNewTokens is 4; an image takes 5 positions");
    }

    [TestMethod]
    public void APromptThatEndsWithImageStartIsContinuedWithAnImage()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 10, BeginWithImage = true });
        GeneratedResponse begun = generator.Generate(new GenerationRequest([1, 5, Start], [])), forced = generator.Generate(new GenerationRequest([1, 5], []));
        CollectionAssert.AreEqual(forced.VisualTokens[..(TokenCount * Width)], begun.VisualTokens[..(TokenCount * Width)].Select((v, i) => Math.Abs(v - forced.VisualTokens[i]) < 1e-5 ? forced.VisualTokens[i] : v).ToArray());
    }

    [TestMethod]
    public void TheStreamAddsUpToTheResponse()
    {
        using MetaMorphModel model = Model();
        string[] stops = ["[7]", "8][1", "][5]["];
        foreach (string[] stop in (string[][])[[], stops])
        {
            using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 60, Temperature = 1, Seed = 5, StopStrings = stop });
            GenerationRequest[] requests = [.. Requests()];
            var streams = requests.Select(_ => new List<ResponseUpdate>()).ToArray();
            IReadOnlyList<GeneratedResponse> responses = generator.Generate(requests, receiver: (row, update) => streams[row].Add(update));
            for (int i = 0; i < requests.Length; i++)
            {
                Assert.AreEqual(responses[i].Text, string.Concat(streams[i].Select(u => u.Text)));
                float[] visual = [.. streams[i].Where(u => u.Kind == ResponseUpdateKind.VisualToken).SelectMany(u => u.VisualTokens.ToArray())];
                CollectionAssert.AreEqual(responses[i].VisualTokens, visual[..responses[i].VisualTokens.Length]);
                Assert.AreEqual(responses[i].ImageCount, streams[i].Count(u => u.Kind == ResponseUpdateKind.ImageEnd));
                foreach (string s in stop) Assert.IsFalse(responses[i].Text.Contains(s, StringComparison.Ordinal));
                if (stop.Length == 0) continue;
                if (responses[i].FinishReason == ResponseFinishReason.StopString)
                    Assert.IsTrue(stop.Any(s => Spell(responses[i].TokenIds).StartsWith(responses[i].Text + s, StringComparison.Ordinal)), "the text ends right before a stop string");
            }
            if (stop.Length > 0) Assert.IsTrue(responses.Any(r => r.FinishReason == ResponseFinishReason.StopString), "a stop string was met");
        }
    }

    [TestMethod]
    public void CancellationKeepsWhatWasMade()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 1000 });
        GeneratedResponse whole = generator.Generate([new GenerationRequest([1, 5], [])], new GenerationOptions { MaxNewTokens = 30 })[0];
        using var source = new CancellationTokenSource();
        int updates = 0;
        GeneratedResponse cut = generator.Generate(new GenerationRequest([1, 5], []), _ => { if (++updates == 10) source.Cancel(); }, source.Token);
        Assert.AreEqual(ResponseFinishReason.Cancelled, cut.FinishReason);
        Assert.IsTrue(cut.Positions is >= 8 and <= 12, $"{cut.Positions} positions");
        CollectionAssert.AreEqual(whole.TokenIds[..cut.TokenIds.Length], cut.TokenIds);
        GeneratedResponse nothing = generator.Generate(new GenerationRequest([1, 5], []), null, new CancellationToken(canceled: true));
        Assert.AreEqual((0, ResponseFinishReason.Cancelled), (nothing.Positions, nothing.FinishReason));
    }

    [TestMethod]
    public void LogProbabilitiesAreTheModelsOwn()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 6, LogProbabilities = true, Temperature = 0.5f, RepetitionPenalty = 2, Seed = 1 });
        var request = new GenerationRequest([1, 5, 9], []) { ForcedIds = [3] };
        GeneratedResponse response = generator.Generate(request);
        Assert.AreEqual(0, response.ImageCount, "this seed gives text alone");
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        int[] all = [.. request.Ids, .. response.TokenIds];
        Tensor logits = model.Language.Logits(model.Language.Hidden(model.Splice(all, null), SequenceLayout.Causal))[0];
        Tensor expected = logits.log_softmax(-1);
        for (int i = 0; i < response.TokenIds.Length; i++)
            Assert.AreEqual(expected[request.Ids.Length + i - 1, response.TokenIds[i]].item<float>(), response.LogProbabilities![i], 1e-4);
    }

    [TestMethod]
    public void RequestsThatDoNotFitAreRefusedWithBothNumbers()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions());
        Refuses(new GenerationRequest([], []), "Request 0 has no tokens");
        Refuses(new GenerationRequest([1, MetaMorphModel.ImagePlaceholder], []), "Request 0 has 1 images, which take 1 x 4 x 12 = 48 values of visual tokens; it has 0.");
        Refuses(new GenerationRequest([1, Vocabulary], []), $"Request 0 holds the id {Vocabulary}; the model's vocabulary has the ids 0 to {Vocabulary - 1}.");
        Refuses(new GenerationRequest([1], []) { ForcedIds = [-3] }, "Request 0 holds the id -3");

        void Refuses(GenerationRequest request, string message) => StringAssert.Contains(Assert.ThrowsExactly<GenerationRequestException>(() => generator.Generate(request)).Message, message);
    }

    [TestMethod]
    public void WhereEveryTokenIsBannedTheResponseEnds()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 500, NoRepeatNGramSize = 1 });
        GeneratedResponse response = generator.Generate([new GenerationRequest([1, 5], [])])[0];
        Assert.AreEqual(ResponseFinishReason.NothingAllowed, response.FinishReason);
        Assert.AreEqual(Vocabulary - 2, response.TokenIds.Length, "every id but the prompt's, once");
    }

    [TestMethod]
    public void NoTensorIsLeftBehind()
    {
        using MetaMorphModel model = Model();
        foreach (ResponseDecoder decoder in VectorizedDecoderTests.Decoders(model.Language, model))
        {
            using var generator = Generator(model, decoder, new GenerationOptions { MaxNewTokens = 12, Seed = 1, Temperature = 1 });
            GenerationRequest[] requests = [.. Requests()];
            generator.Generate(requests);
            long before = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            for (int i = 0; i < 3; i++) generator.Generate(requests);
            Assert.AreEqual(before, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount, decoder.Name);
        }
    }

    [TestMethod]
    public void ThreadsShareOneGenerator()
    {
        using MetaMorphModel model = Model();
        using var generator = Generator(model, null, new GenerationOptions { MaxNewTokens = 20, Temperature = 1, Threads = 2 });
        GenerationRequest[] requests = [.. Requests().Select((r, i) => r with { Seed = i })];
        GeneratedResponse[] expected = [.. requests.Select(r => generator.Generate(r))];
        Parallel.For(0, 12, i => Same(expected[i % requests.Length], generator.Generate(requests[i % requests.Length]), $"call {i}", 0));
    }

    private static MetaMorphModel Model()
    {
        LanguageModelConfig language = new()
        {
            VocabularySize = Vocabulary,
            HiddenSize = 32,
            IntermediateSize = 40,
            LayerCount = 2,
            HeadCount = 4,
            KeyValueHeadCount = 2,
            HeadWidth = 8,
            InitializerRange = 0.25,
            EosTokenIds = [Eos],
        };
        var config = new MetaMorphConfig { Language = language, VisualTokenWidth = Width, VisualTokenCount = TokenCount, ImageStartId = Start, ImageEndId = End };
        return new MetaMorphModel(config, new FreshParameters(CPU, new Generator(11)));
    }

    private static IEnumerable<GenerationRequest> Requests()
    {
        var random = new Random(4);
        yield return new GenerationRequest([1, 5, 20, 33], []);
        yield return new GenerationRequest([1, Start, MetaMorphModel.ImagePlaceholder, End, 7], Tokens(1));
        yield return new GenerationRequest([1, 9, Start, MetaMorphModel.ImagePlaceholder, End, 30, Start, MetaMorphModel.ImagePlaceholder, End, 14, 15, 16], Tokens(2));
        yield return new GenerationRequest([3], []);

        float[] Tokens(int images) => [.. Enumerable.Range(0, images * TokenCount * Width).Select(_ => (float)random.NextDouble() - 0.5f)];
    }

    private static ResponseGenerator Generator(MetaMorphModel model, ResponseDecoder? decoder, GenerationOptions options) => decoder is null
        ? new ResponseGenerator(model, options, () => new SpelledIds(), endIds: [])
        : new ResponseGenerator(model.Language, model, decoder, options, () => new SpelledIds(), endIds: []);

    private static string Spell(IEnumerable<int> ids) => string.Concat(ids.Where(id => id != End).Select(id => id == Start ? GeneratedResponse.ImageMark : $"[{id}]"));

    private static void Same(GeneratedResponse expected, GeneratedResponse actual, string what, double tolerance)
    {
        CollectionAssert.AreEqual(expected.TokenIds, actual.TokenIds, what);
        Assert.AreEqual((expected.Text, expected.FinishReason, expected.Positions, expected.ImageCount), (actual.Text, actual.FinishReason, actual.Positions, actual.ImageCount), what);
        for (int i = 0; i < expected.VisualTokens.Length; i++) Assert.AreEqual(expected.VisualTokens[i], actual.VisualTokens[i], tolerance, $"{what}: visual token value {i}");
        if (expected.LogProbabilities is null) return;
        for (int i = 0; i < expected.TokenIds.Length; i++) Assert.AreEqual(expected.LogProbabilities[i], actual.LogProbabilities![i], tolerance, $"{what}: log-probability {i}");
    }

    /// <summary>The whole sequence through TorchSharp for every position: slow and obvious.</summary>
    private static GeneratedResponse Uncached(MetaMorphModel model, GenerationRequest request, GenerationOptions options)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>
        {
            model.Splice([.. request.Ids.SelectMany(id => Enumerable.Repeat(id, id == MetaMorphModel.ImagePlaceholder ? TokenCount : 1))],
                request.VisualTokens.Length == 0 ? null : tensor(request.VisualTokens, [request.VisualTokens.Length / TokenCount / Width, TokenCount, Width])),
        };
        var row = new DecodingRow(0, Vocabulary, Width);
        var response = new ResponseRow(request, options, options.MaxNewTokens, model.Config, new HashSet<int>(), new SpelledIds(), null);
        while (true)
        {
            Tensor last = model.Language.Hidden(cat(parts, 1), SequenceLayout.Causal)[0, -1];
            if (row.WantsVisual) model.PredictVisualTokens(last).data<float>().ToArray().CopyTo(row.VisualToken, 0);
            else model.Language.Logits(last).data<float>().ToArray().CopyTo(row.Logits, 0);
            response.Take(row);
            if (response.FinishReason is not null) return response.Result();
            parts.Add(row.InputIsVisual ? model.Project(tensor(row.VisualToken, [1, 1, Width])) : model.Language.Embed(tensor((long)row.InputId).view(1, 1)));
        }
    }

    /// <summary>Stands for a tokenizer: every id is spelled in brackets, and comes out one character late.</summary>
    private sealed class SpelledIds : ITextStream
    {
        private string _late = "";

        public string Append(int id)
        {
            string text = _late + $"[{id}]";
            _late = text[^1..];
            return text[..^1];
        }

        public string Flush()
        {
            string text = _late;
            _late = "";
            return text;
        }
    }
}
