using System.Diagnostics;
using System.Text.Json.Serialization;
using Scenes;
using SkiaSharp;

namespace Quickstart;

/// <summary>
/// Questions about held-out scenes with exact answers, and descriptions: the predicted tokens must tell the picture from 63 others, and the
/// picture drawn from them is read by analysis, beside the one drawn from the true tokens.
/// </summary>
/// <remarks>
/// Answers cost time, on a busy machine several times as much as on a quiet one. So they are taken in portions, and there is no further
/// one that would probably end too late; the first of each is always taken.
/// </remarks>
internal sealed class Exam(SceneWorld world, SavedModel model, int seed)
{
    public const int QuestionCount = 300, DescriptionCount = 200, CandidateCount = 64;
    private const int QuestionPortion = 100, DescriptionPortion = 50;
    private const double QuestionShare = 0.3;   // of the time: descriptions are drawn, twice
    private const int ExamSeed = 77_000;        // far from every training seed: rows are a function of the seed

    private readonly SceneReader _reader = new(world);

    /// <summary>Each question with what the model answered.</summary>
    public IReadOnlyList<(SceneRow Row, Answer Answer)> Questions { get; private set; } = [];

    /// <summary>Each description with what became of it.</summary>
    public IReadOnlyList<Drawing> Drawings { get; private set; } = [];

    /// <summary>Whether there was time for everything.</summary>
    public bool IsComplete => Questions.Count == QuestionCount && Drawings.Count == DescriptionCount;

    /// <summary>Asks as much as there is time for, and marks the answers.</summary>
    /// <param name="time">How long it may take.</param>
    public Scores Take(TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        SceneRows heldOut = SceneRows.HeldOut(world);
        SceneRow[] questions = [.. heldOut.Generate(ExamSeed + seed, QuestionCount, RowKind.ImageQuestion)], descriptions = [.. heldOut.Generate(ExamSeed + 1 + seed, DescriptionCount, RowKind.TextToImage)];
        Questions = Portions.Take(questions, QuestionPortion, time * QuestionShare, portion => portion.Zip(model.Ask(portion)));
        Drawings = Draw(descriptions, time - clock.Elapsed);
        int exact = Questions.Count(q => q.Answer.Text.Trim() == q.Row.Response);
        Scene[] wanted = [.. Drawings.Select(d => d.Scene)];
        SceneMarks chance = SceneMarks.OfOthers([.. descriptions.Select(row => row.Pictures[0].Scene)], others: 50);
        SceneMarks reconstructed = SceneMarks.Of(wanted, [.. Drawings.Select(d => d.Reconstructed.Scene)]), drawn = SceneMarks.Of(wanted, [.. Drawings.Select(d => d.Drawn?.Scene)]);
        return new Scores(
            new Score((double)exact / Questions.Count, ChanceOfAnswers([.. Questions.Select(q => q.Row)]), Questions.Count),
            new Score((double)Drawings.Count(d => d.IsFound) / Drawings.Count, 1.0 / CandidateCount, Drawings.Count),
            new Score(reconstructed.ObjectsShare, chance.ObjectsShare, reconstructed.Objects),
            new Score(reconstructed.ExactShare, chance.ExactShare, reconstructed.Scenes),
            new Score(drawn.ObjectsShare, chance.ObjectsShare, drawn.Objects),
            new Score(drawn.ExactShare, chance.ExactShare, drawn.Scenes));
    }

    /// <summary>The share that always giving the most common answer to each question would get right.</summary>
    private static double ChanceOfAnswers(SceneRow[] questions)
        => questions.GroupBy(Template).Sum(group => group.GroupBy(row => row.Response).Max(answers => answers.Count())) / (double)questions.Length;

    /// <summary>The kind of a question: its first four words, which name no object.</summary>
    private static string Template(SceneRow row) => string.Join(' ', row.Prompt.Split(' ').Skip(1).Take(3));

    private List<Drawing> Draw(SceneRow[] rows, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        // Those that nothing is asked about are still among the pictures that an answer has to be told from.
        IReadOnlyList<float[]> truth = model.Encode(rows.Select(row => row.Pictures[0]));
        var random = new Random(seed);
        int done = 0;
        return Portions.Take(rows, DescriptionPortion, time - clock.Elapsed, portion =>
        {
            IReadOnlyList<Answer> answers = model.Ask(portion);
            IReadOnlyList<SKBitmap> reconstructed = model.Reconstruct(portion.Select(row => row.Pictures[0]));
            return portion.Select((row, i) => new Drawing(row, Finds(rows, truth, answers[i], done++, random), Read(reconstructed[i]), answers[i].Drawn is { } drawn ? Read(drawn) : null));
        });
    }

    private ReadPicture Read(SKBitmap picture) => new(picture, _reader.Read(picture));

    /// <summary>Whether predicted tokens are nearer to those of the right picture than to those of 63 others that look different.</summary>
    private static bool Finds(SceneRow[] rows, IReadOnlyList<float[]> truth, Answer answer, int right, Random random)
    {
        int[] others = [.. Enumerable.Range(0, rows.Length).Where(j => j != right && !rows[j].Pictures[0].Scene.LooksLike(rows[right].Pictures[0].Scene))];
        random.Shuffle(others);
        float[] predicted = answer.VisualTokens;
        // An answer without a picture, or with several, finds nothing.
        if (predicted.Length != truth[right].Length) return false;
        double similarity = Similarity(predicted, truth[right]);
        return others.Take(CandidateCount - 1).All(j => Similarity(predicted, truth[j]) < similarity);
    }

    /// <summary>Both are sets of unit vectors, so this is the mean cosine times their number.</summary>
    private static double Similarity(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += a[i] * b[i];
        return sum;
    }
}

/// <summary>One description and what became of it.</summary>
/// <param name="Row">The prompt, with the true picture.</param>
/// <param name="IsFound">Whether the predicted tokens tell the true picture from others.</param>
/// <param name="Reconstructed">Drawn from the true picture's tokens.</param>
/// <param name="Drawn">Drawn from the predicted tokens; null where the answer has no picture.</param>
internal sealed record Drawing(SceneRow Row, bool IsFound, ReadPicture Reconstructed, ReadPicture? Drawn)
{
    /// <summary>What should be there.</summary>
    public Scene Scene => Row.Pictures[0].Scene;
}

/// <summary>A drawn picture and what analysis reads in it.</summary>
internal sealed record ReadPicture(SKBitmap Picture, Scene Scene);

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
internal sealed record Scores(Score ImageQuestionExact, Score TextToImageRetrieval, Score ReconstructedObjects, Score ReconstructedExact, Score DrawnObjects, Score DrawnExact);
