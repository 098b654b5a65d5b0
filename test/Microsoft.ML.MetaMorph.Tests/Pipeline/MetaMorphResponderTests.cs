using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class MetaMorphResponderTests
{
    private static readonly GenerationOptions Endless = new() { MaxNewTokens = int.MaxValue / 2, Temperature = 1, Seed = 4 };

    private readonly MLContext _ml = new(seed: 1);

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    public async Task ThePiecesAddUpToTheWholeAnswerAndToTheTransformers()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        float[] picture = EndlessModel.Pictures(1);
        var options = new GenerationOptions { MaxNewTokens = 60, Temperature = 1, LogProbabilities = true, Seed = 1 };
        foreach (bool begin in (bool[])[false, true])
        {
            options.BeginWithImage = begin;
            GeneratedResponse whole = await responder.RespondAsync("<image>What?", picture, options);
            List<ResponseUpdate> pieces = await Read(responder.StreamAsync("<image>What?", picture, options));
            Assert.AreEqual(whole.Text, string.Concat(pieces));
            Same(whole, pieces[^1].Response!);
            Assert.AreEqual(ResponseFinishReason.Length, whole.FinishReason);
            Assert.HasCount(1, pieces.Where(piece => piece.Response is not null).ToArray());
            CollectionAssert.AreEqual(whole.VisualTokens, pieces.Where(piece => piece.Kind == ResponseUpdateKind.ImageEnd).SelectMany(piece => piece.VisualTokens.ToArray()).ToArray());
            Assert.AreEqual(whole.ImageCount * EndlessModel.PictureLength, whole.VisualTokens.Length);
            if (begin) Assert.IsGreaterThan(0, whole.ImageCount);
            using MetaMorphTransformer same = model.WithGeneration(options);
            IDataView row = _ml.Data.LoadFromEnumerable([new Row { Prompt = "<image>What?", VisualTokens = picture }]);
            object?[] answered = ColumnValues.Rows(same.Transform(row), ["PredictedResponse", "ResponseVisualTokens"])[0];
            Assert.AreEqual(whole.Text, answered[0]);
            CollectionAssert.AreEqual(whole.VisualTokens, (float[])answered[1]!);
        }
    }

    [TestMethod]
    public async Task PiecesComeInTheirOrder()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        List<ResponseUpdate> pieces = await Read(responder.StreamAsync("Draw.", options: new GenerationOptions { MaxNewTokens = 8, BeginWithImage = true }));
        ResponseUpdateKind[] expected = [ResponseUpdateKind.ImageStart, .. Enumerable.Repeat(ResponseUpdateKind.VisualToken, EndlessModel.TokenCount), ResponseUpdateKind.ImageEnd];
        CollectionAssert.AreEqual(expected, pieces.Take(expected.Length).Select(piece => piece.Kind).ToArray());
        Assert.AreEqual(ResponseUpdateKind.Finished, pieces[^1].Kind);
        for (int i = 0; i < EndlessModel.TokenCount; i++)
        {
            ResponseUpdate token = pieces[i + 1];
            Assert.AreEqual((0, i, EndlessModel.Width), (token.ImageIndex, token.TokenIndex, token.VisualTokens.Length));
            CollectionAssert.AreEqual(pieces[expected.Length - 1].VisualTokens.Slice(i * EndlessModel.Width, EndlessModel.Width).ToArray(), token.VisualTokens.ToArray());
        }
        Assert.AreEqual((-1, -1, 0), (pieces[^1].ImageIndex, pieces[^1].TokenIndex, pieces[^1].VisualTokens.Length));
    }

    [TestMethod]
    public async Task ACancelKeepsWhatWasMade()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        using var stop = new CancellationTokenSource();
        var seen = new List<ResponseUpdate>();
        await foreach (ResponseUpdate piece in responder.StreamAsync("Hi", options: Endless, cancellationToken: stop.Token))
        {
            seen.Add(piece);
            if (seen.Count == 10) stop.Cancel();
        }
        GeneratedResponse cut = seen[^1].Response!;
        Assert.AreEqual(ResponseFinishReason.Cancelled, cut.FinishReason);
        Assert.IsGreaterThanOrEqualTo(10, seen.Count);
        Assert.AreEqual(cut.Text, string.Concat(seen));
        GenerationOptions enough = Endless.Clone();
        enough.MaxNewTokens = cut.Positions;
        GeneratedResponse whole = await responder.RespondAsync("Hi", options: enough);
        CollectionAssert.AreEqual(whole.TokenIds, cut.TokenIds);
        CollectionAssert.AreEqual(whole.VisualTokens, cut.VisualTokens);
        GeneratedResponse nothing = await responder.RespondAsync("Hi", options: Endless, cancellationToken: new CancellationToken(canceled: true));
        Assert.AreEqual(("", 0, ResponseFinishReason.Cancelled), (nothing.Text, nothing.Positions, nothing.FinishReason));
        // the token of the enumeration is heard as well
        using var enumeration = new CancellationTokenSource();
        ResponseUpdate? last = null;
        await foreach (ResponseUpdate piece in responder.StreamAsync("Hi", options: Endless).WithCancellation(enumeration.Token))
        {
            last = piece;
            enumeration.Cancel();
        }
        Assert.AreEqual(ResponseFinishReason.Cancelled, last!.Response!.FinishReason);
    }

    [TestMethod]
    public async Task SeveralAnswersAreMadeAtOnce()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder(), other = model.CreateResponder();
        // None of these ends, so each gets its turns only if the others give way.
        IAsyncEnumerator<ResponseUpdate>[] streams = [.. Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? responder : other).StreamAsync($"Hi {i}", options: Endless).GetAsyncEnumerator(TestContext.CancellationToken))];
        for (int round = 0; round < 20; round++)
            foreach (IAsyncEnumerator<ResponseUpdate> stream in streams) Assert.IsTrue(await stream.MoveNextAsync());
        // a transform gets its turn too
        Assert.HasCount(1, ColumnValues.Rows(model.Transform(_ml.Data.LoadFromEnumerable([new Row { Prompt = "Hi" }])), ["PredictedResponse"]));
        foreach (IAsyncEnumerator<ResponseUpdate> stream in streams) await stream.DisposeAsync();
    }

    [TestMethod]
    public async Task AnswersAtOnceAreTheAnswersAlone()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        GenerationOptions[] options = [.. Enumerable.Range(0, 8).Select(i => new GenerationOptions { MaxNewTokens = 20 + i, Temperature = 1, Seed = i, Engine = i % 2 == 0 ? DecodingEngine.Auto : DecodingEngine.Torch })];
        var alone = new List<GeneratedResponse>();
        for (int i = 0; i < options.Length; i++) alone.Add(await responder.RespondAsync($"Prompt {i}", options: options[i]));
        GeneratedResponse[] together = await Task.WhenAll(options.Select((o, i) => responder.RespondAsync($"Prompt {i}", options: o)));
        for (int i = 0; i < options.Length; i++) Same(alone[i], together[i]);
    }

    [TestMethod]
    public async Task LeavingAnEnumerationEndsTheAnswer()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        await foreach (ResponseUpdate _ in responder.StreamAsync("Hi", options: Endless)) break;
        await Idle(responder);
    }

    [TestMethod]
    public async Task DisposingEndsAnswersWithWhatWasMade()
    {
        MetaMorphTransformer model = EndlessModel.Create(_ml);
        ResponseModel shared = model.Model;
        MetaMorphResponder responder = model.CreateResponder();
        model.Dispose();                                     // the responder holds the weights itself
        IAsyncEnumerator<ResponseUpdate> stream = responder.StreamAsync("Hi", options: Endless).GetAsyncEnumerator(TestContext.CancellationToken);
        Assert.IsTrue(await stream.MoveNextAsync());
        Task<GeneratedResponse> whole = responder.RespondAsync("Hi", options: Endless);
        await responder.DisposeAsync();
        Assert.AreEqual(ResponseFinishReason.Cancelled, (await whole).FinishReason);
        ResponseUpdate last = stream.Current;
        while (await stream.MoveNextAsync()) last = stream.Current;
        Assert.AreEqual(ResponseFinishReason.Cancelled, last.Response!.FinishReason);
        Assert.ThrowsExactly<ObjectDisposedException>(() => responder.StreamAsync("Hi"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => _ = responder.RespondAsync("Hi"));
        Assert.ThrowsExactly<ObjectDisposedException>(() => shared.Parameters(), "the last hold is gone");
        responder.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => model.CreateResponder());
    }

    [TestMethod]
    public async Task TheCancellationOfTheContextIsHeard()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        Task<GeneratedResponse> answer = responder.RespondAsync("Hi", options: Endless);
        typeof(MLContext).GetMethod("CancelExecution", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!.Invoke(_ml, null);
        Assert.AreEqual(ResponseFinishReason.Cancelled, (await answer).FinishReason);
    }

    [TestMethod]
    public async Task MessagesCarryTheirOwnPictures()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml, systemMessage: "Be brief.");
        using MetaMorphResponder responder = model.CreateResponder();
        var options = new GenerationOptions { MaxNewTokens = 10, Seed = 1, Temperature = 1, BeginWithImage = true };
        float[] pictures = EndlessModel.Pictures(2);
        GeneratedResponse first = await responder.RespondAsync([ConversationMessage.User("<image> and <image>?", pictures)], options);
        GeneratedResponse said = await responder.RespondAsync([ConversationMessage.System("Be brief."), ConversationMessage.User("<image> and <image>?", pictures)], options);
        Same(first, said);
        Assert.AreEqual(1, first.ImageCount);
        ConversationMessage answer = first.ToMessage();
        Assert.AreEqual((first.Text, first.VisualTokens.Length), (answer.Text, answer.VisualTokens.Length));
        GenerationRequest request = ConversationPrompt.Encode([ConversationMessage.User("<image> and <image>?", pictures), answer, ConversationMessage.User("And <image>", pictures.AsMemory(0, EndlessModel.PictureLength))], model.Model, null);
        CollectionAssert.AreEqual((float[])[.. pictures, .. first.VisualTokens, .. pictures[..EndlessModel.PictureLength]], request.VisualTokens);
        Assert.AreEqual(4, request.Ids.Count(id => id == MetaMorphModel.ImagePlaceholder));
        VBuffer<float> sparse = new(EndlessModel.PictureLength, 1, [0.5f], [3]);
        var dense = new float[EndlessModel.PictureLength];
        dense[3] = 0.5f;
        CollectionAssert.AreEqual(dense, ConversationMessage.User("<image>").WithVisualTokens(sparse).VisualTokens.ToArray());
    }

    [TestMethod]
    public async Task WhatCannotBeAnsweredIsRefusedByName()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        Refuses([], "There is no message; the last one is what is to be answered. (Parameter 'messages')");
        Refuses([ConversationMessage.User("a"), null!], "Message 1 is null. (Parameter 'messages')");
        Refuses([ConversationMessage.User("a"), ConversationMessage.Assistant("b")], "Message 1, the last one, is the assistant's; it must be one that is to be answered. (Parameter 'messages')");
        Refuses([ConversationMessage.User("<image><image>", new float[32])], "Message 0 (user): the text holds 2 <image> marks, but there are visual tokens of 1 images (an image has 4 tokens × 8 = 32 values). Give every mark its image, in their order. (Parameter 'messages')");
        Refuses([ConversationMessage.User("<image>", new float[33])], "Message 0 (user): 33 values of visual tokens are not a whole number of images; an image has 4 tokens × 8 = 32 values. Encode the images with the encoder that the model was trained with. (Parameter 'messages')");
        Refuses([ConversationMessage.Assistant("<image_start>"), ConversationMessage.User("a")], "Message 0 (assistant): the text holds 0 <image> marks, but 1 times <image_start> and 0 times <image_end>; each belongs directly around a mark. Write <image> alone. (Parameter 'messages')");
        Assert.AreEqual("messages", Assert.ThrowsExactly<ArgumentNullException>(() => responder.StreamAsync((IEnumerable<ConversationMessage>)null!)).ParamName);
        Assert.AreEqual("prompt", Assert.ThrowsExactly<ArgumentNullException>(() => responder.StreamAsync((string)null!)).ParamName);
        StringAssert.Matches(Assert.ThrowsExactly<InvalidDataException>(() => responder.StreamAsync("refuse")).Message, new("^The conversation: .*: the chat template failed with TemplateError: not that$"));
        var options = new GenerationOptions { BeginWithImage = true, MaxNewTokens = 4 };
        ArgumentException failure = await Assert.ThrowsExactlyAsync<ArgumentException>(() => responder.RespondAsync("a", options: options));
        Assert.AreEqual("MaxNewTokens is 4; an image takes 5 positions (image-start and 4 visual tokens). (Parameter 'options')", failure.Message);
        Assert.AreEqual(failure.Message, (await Assert.ThrowsExactlyAsync<ArgumentException>(() => Read(responder.StreamAsync("a", options: options)))).Message);
        Assert.AreEqual(ResponseFinishReason.Length, (await responder.RespondAsync("still there")).FinishReason);

        void Refuses(ConversationMessage[] messages, string message)
        {
            Assert.AreEqual(message, Assert.ThrowsExactly<ArgumentException>(() => responder.StreamAsync(messages)).Message);
            Assert.AreEqual(message, Assert.ThrowsExactly<ArgumentException>(() => _ = responder.RespondAsync(messages)).Message);
        }
    }

    [TestMethod]
    public async Task ManyAnswersLeaveNoTensorBehind()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder();
        foreach (DecodingEngine engine in (DecodingEngine[])[DecodingEngine.Auto, DecodingEngine.Torch])
        {
            long before = 0;
            for (int i = 0; i < 40; i++)
            {
                var options = new GenerationOptions { MaxNewTokens = 10 + i, Temperature = 1, Seed = i, Engine = engine };
                using var stop = new CancellationTokenSource();
                int seen = 0;
                await foreach (ResponseUpdate _ in responder.StreamAsync("<image>", EndlessModel.Pictures(1), options, stop.Token))
                {
                    if (++seen == 5 && i % 3 == 0) stop.Cancel();
                    if (seen == 5 && i % 3 == 1) break;
                }
                long live = await Idle(responder);
                if (i < 3) before = live;
                Assert.AreEqual(before, live, $"{engine}, after {i + 1} answers");
            }
        }
    }

    private static async Task<List<ResponseUpdate>> Read(IAsyncEnumerable<ResponseUpdate> stream)
    {
        var pieces = new List<ResponseUpdate>();
        await foreach (ResponseUpdate piece in stream) pieces.Add(piece);
        return pieces;
    }

    /// <summary>Waits until the responder's thread has nothing else to do, and tells the tensors that live there.</summary>
    private static async Task<long> Idle(MetaMorphResponder responder)
    {
        var last = new Last(responder.Thread);
        responder.Thread.Add(last);
        return await last.Tensors;
    }

    private static void Same(GeneratedResponse expected, GeneratedResponse actual)
    {
        CollectionAssert.AreEqual(expected.TokenIds, actual.TokenIds);
        CollectionAssert.AreEqual(expected.VisualTokens, actual.VisualTokens);
        CollectionAssert.AreEqual(expected.LogProbabilities, actual.LogProbabilities);
        Assert.AreEqual((expected.Text, expected.FinishReason, expected.Positions, expected.ImageCount), (actual.Text, actual.FinishReason, actual.Positions, actual.ImageCount));
    }

    /// <summary>Done once it is the only job.</summary>
    private sealed class Last(TorchThread thread) : ITorchJob
    {
        private readonly TaskCompletionSource<long> _tensors = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _turns;

        public Task<long> Tensors => _tensors.Task;

        public bool Step(bool stopping)
        {
            if (thread.JobCount == 1) _tensors.SetResult(LiveTensors.OfThisThread);
            else if (++_turns < 10_000) return true;
            else _tensors.SetException(new AssertFailedException("An answer that was ended still goes on."));
            return false;
        }
    }

    private sealed class Row
    {
        public string Prompt { get; set; } = "";

        [VectorType(0, EndlessModel.TokenCount, EndlessModel.Width)]
        public float[] VisualTokens { get; set; } = [];
    }
}
