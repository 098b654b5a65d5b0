namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The positions that a model was made for, in a chat, in training, and where they are chosen.</summary>
[TestClass]
public sealed class ModelPositionsTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public async Task AChatEndsWithTheLastPosition()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml, positions: 60), wide = EndlessModel.Create(_ml);
        using MetaMorphResponder responder = model.CreateResponder(), longer = wide.CreateResponder();
        var options = new GenerationOptions { MaxNewTokens = 1000, Temperature = 1, Seed = 4 };
        int prompt = PromptLength(wide, "Hi");
        GeneratedResponse response = await responder.RespondAsync("Hi", options: options);
        Assert.AreEqual((60 - prompt, ResponseFinishReason.Length), (response.Positions, response.FinishReason));
        options.MaxNewTokens = 60 - prompt;
        GeneratedResponse same = await longer.RespondAsync("Hi", options: options);
        CollectionAssert.AreEqual(same.TokenIds, response.TokenIds);
        CollectionAssert.AreEqual(same.VisualTokens, response.VisualTokens);
    }

    [TestMethod]
    public void AChatThatIsTooLongIsRefused()
    {
        using MetaMorphTransformer model = EndlessModel.Create(_ml, positions: 60);
        using MetaMorphResponder responder = model.CreateResponder();
        string words = string.Join(' ', Enumerable.Repeat("long", 60));
        const string Rest = "but the model reads at most 59 and answers at one more (max_position_embeddings 60). Shorten the prompt, or take a model for longer texts. (Parameter 'messages')";
        Assert.AreEqual($"The conversation takes {PromptLength(model, words)} positions, {Rest}", Assert.ThrowsExactly<ArgumentException>(() => { responder.StreamAsync(words); }).Message);
        float[] pictures = EndlessModel.Pictures(2);
        string message = Assert.ThrowsExactly<ArgumentException>(() => { responder.RespondAsync("<image><image>" + words, pictures); }).Message;
        Assert.AreEqual($"The conversation takes {PromptLength(model, "<image><image>" + words, pictures: 2)} positions, 2 pictures of 4 among them, {Rest}", message);
    }

    [TestMethod]
    public void TrainingCutsRowsAtTheLastPosition()
    {
        EncodedRow[] rows = [.. Enumerable.Range(0, 4).Select(i => new EncodedRow { Prompt = "Say it.", Response = i == 2 ? string.Join(' ', Enumerable.Repeat("many", 100)) : "yes" })];
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        const string Warning = "MaximumLength is 4096, but the model has 80 positions (max_position_embeddings); rows longer than those are cut.";
        List<string> log = Log(() => EncodedRow.Train(_ml, data, options => options.Architecture = TinyModels.Architecture with { MaximumPositions = 80 }).Dispose());
        CollectionAssert.Contains(log, Warning);
        CollectionAssert.Contains(log, "1 rows were longer than 80 positions and were cut; 0 pictures were dropped whole.");
        log = Log(() => EncodedRow.Train(_ml, data, options => (options.Architecture, options.MaximumLength) = (TinyModels.Architecture with { MaximumPositions = 80 }, 80)).Dispose());
        Assert.IsFalse(log.Any(line => line.StartsWith("MaximumLength", StringComparison.Ordinal)));
        CollectionAssert.Contains(log, "1 rows were longer than 80 positions and were cut; 0 pictures were dropped whole.");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(-5)]
    [DataRow(1)]
    public void AModelNeedsPlaceForAPromptAndAnAnswer(int positions)
    {
        var error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options => options.Architecture = TinyModels.Architecture with { MaximumPositions = positions }));
        Assert.AreEqual(("MaximumPositions", positions), (error.ParamName, error.ActualValue));
        StringAssert.StartsWith(error.Message, "MaximumPositions must be at least 2, one for a prompt and one for its answer.");
    }

    private static int PromptLength(MetaMorphTransformer model, string prompt, int pictures = 0)
        => model.Model.Text.Encoder.EncodePrompt(Conversation.FromTurns([prompt], [], pictures, "probe")).Ids.Sum(id => id == TokenSequence.ImagePlaceholder ? EndlessModel.TokenCount : 1);

    private List<string> Log(Action action)
    {
        var log = new List<string>();
        void Add(object? sender, LoggingEventArgs entry) => log.Add(entry.RawMessage);
        _ml.Log += Add;
        action();
        _ml.Log -= Add;
        return log;
    }
}
