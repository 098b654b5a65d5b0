using Microsoft.ML;

internal static class Loading
{
    public static void Run(string file)
    {
        var ml = new MLContext();
        ITransformer model = ml.Model.Load(file, out _);
        using PredictionEngine<Question, Reply> engine = ml.Model.CreatePredictionEngine<Question, Reply>(model);
        Reply reply = engine.Predict(Question.Some()[0]);
        Console.WriteLine($"answered with {reply.PredictedResponse.Length} characters and {reply.ResponseVisualTokens.Length} visual floats");
    }
}
