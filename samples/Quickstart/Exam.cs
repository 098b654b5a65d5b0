using System.Text.Json.Serialization;
using Scenes;

namespace Quickstart;

/// <summary>Questions about held-out scenes with exact answers, and descriptions whose picture must be told from 63 others.</summary>
internal sealed class Exam(SceneWorld world, SavedModel model, int seed)
{
    public const int QuestionCount = 300, DescriptionCount = 200, CandidateCount = 64;
    private const int ExamSeed = 77_000;        // far from every training seed: rows are a function of the seed

    /// <summary>Each question with what the model answered.</summary>
    public IReadOnlyList<(SceneRow Row, Answer Answer)> Questions { get; private set; } = [];

    /// <summary>Each description with the picture, of the candidates, that the predicted tokens are nearest to.</summary>
    public IReadOnlyList<(SceneRow Row, Picture? Chosen)> Descriptions { get; private set; } = [];

    /// <summary>Asks everything and marks the answers.</summary>
    public Scores Take()
    {
        SceneRows heldOut = SceneRows.HeldOut(world);
        SceneRow[] questions = [.. heldOut.Generate(ExamSeed + seed, QuestionCount, RowKind.ImageQuestion)];
        Questions = [.. questions.Zip(model.Ask(questions))];
        Descriptions = Retrieve([.. heldOut.Generate(ExamSeed + 1 + seed, DescriptionCount, RowKind.TextToImage)]);
        int exact = Questions.Count(q => q.Answer.Text.Trim() == q.Row.Response);
        int found = Descriptions.Count(d => ReferenceEquals(d.Chosen, d.Row.Pictures[0]));
        return new Scores(
            new Score((double)exact / QuestionCount, ChanceOfAnswers(questions), QuestionCount),
            new Score((double)found / DescriptionCount, 1.0 / CandidateCount, DescriptionCount));
    }

    /// <summary>The share that always giving the most common answer to each question would get right.</summary>
    private static double ChanceOfAnswers(SceneRow[] questions)
        => questions.GroupBy(Template).Sum(group => group.GroupBy(row => row.Response).Max(answers => answers.Count())) / (double)questions.Length;

    /// <summary>The kind of a question: its first four words, which name no object.</summary>
    private static string Template(SceneRow row) => string.Join(' ', row.Prompt.Split(' ').Skip(1).Take(3));

    private List<(SceneRow, Picture?)> Retrieve(SceneRow[] rows)
    {
        IReadOnlyList<Answer> answers = model.Ask(rows);
        IReadOnlyList<float[]> truth = model.Encode(rows.Select(row => row.Pictures[0]));
        var random = new Random(seed);
        var chosen = new List<(SceneRow, Picture?)>();
        for (int i = 0; i < rows.Length; i++)
        {
            // The right picture and 63 others that look different, in an order that tells nothing.
            int[] others = [.. Enumerable.Range(0, rows.Length).Where(j => j != i && !rows[j].Pictures[0].Scene.LooksLike(rows[i].Pictures[0].Scene))];
            random.Shuffle(others);
            int[] candidates = [i, .. others.Take(CandidateCount - 1)];
            random.Shuffle(candidates);
            float[] predicted = answers[i].VisualTokens;
            // An answer without a picture, or with several, finds nothing.
            chosen.Add((rows[i], predicted.Length == truth[i].Length ? rows[candidates.MaxBy(j => Similarity(predicted, truth[j]))].Pictures[0] : null));
        }
        return chosen;
    }

    /// <summary>Both are sets of unit vectors, so this is the mean cosine times their number.</summary>
    private static double Similarity(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}

/// <summary>A share of right answers.</summary>
/// <param name="Value">From 0 to 1.</param>
/// <param name="Chance">What guessing gets.</param>
/// <param name="Count">How many were asked.</param>
internal sealed record Score(double Value, double Chance, int Count)
{
    /// <summary>More than three standard deviations of a guesser above chance.</summary>
    [JsonIgnore]
    public bool IsAboveChance => Value > Chance + 3 * Math.Sqrt(Chance * (1 - Chance) / Count);
}

/// <summary>What the run learnt.</summary>
internal sealed record Scores(Score ImageQuestionExact, Score TextToImageRetrieval);
