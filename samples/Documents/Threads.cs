using Microsoft.ML;

namespace Documents;

/// <summary>Many callers, one copy of the weights.</summary>
public static class Threads
{
    public static Answer[] Run(MLContext ml, string zip, IReadOnlyList<Question> questions)
    {
        // <threads>
        ITransformer model = ml.Model.Load(zip, out _);
        var answers = new Answer[questions.Count];
        Parallel.For(0, questions.Count, i =>
        {
            using var engine = ml.Model.CreatePredictionEngine<Question, Answer>(model, new PredictionEngineOptions { OwnsTransformer = false });
            answers[i] = engine.Predict(questions[i]);
        });
        (model as IDisposable)?.Dispose();
        // </threads>
        return answers;
    }
}
