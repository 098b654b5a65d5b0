using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What a training leaves for people who look at it: <c>steps.csv</c> with a line for every step, an event file of TensorBoard with the same
/// figures, and <c>run.json</c> (<see cref="RunRecord"/>). A training that goes on goes on with its lines too.
/// </summary>
/// <param name="folder">Made where it does not exist.</param>
internal sealed class RunFolder(string folder) : IDisposable
{
    /// <summary>The file with a line for every step.</summary>
    public const string StepsFile = "steps.csv";

    /// <summary>The file with a line for every answer to a validation prompt (<see cref="SampleAnswer"/>), as JSON.</summary>
    public const string AnswersFile = "answers.jsonl";

    /// <summary>The file about the whole run.</summary>
    public const string RunFile = "run.json";

    /// <summary>The first line of <see cref="StepsFile"/>.</summary>
    public const string Header = "step,epoch,share,loss,language_loss,visual_loss,learning_rate,gradient_norm,items_per_second,elapsed_seconds,validation_loss";

    // Read by people, so that letters are letters; nobody puts the file into a page of the web.
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    private readonly string _folder = Path.GetFullPath(folder);
    private StreamWriter? _steps;
    private StreamWriter? _answers;
    private TrainingBoard? _board;

    /// <summary>Takes a step. Every line is in the file when this returns.</summary>
    public void Add(TrainingStatus status)
    {
        _steps ??= Open(StepsFile, Header, line => long.TryParse(line.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number < status.Step);
        _steps.WriteLine(Line(status));
        _board ??= new TrainingBoard(_folder);
        _board.AddStep(status);
    }

    /// <summary>Takes answers of one step. Every line is in the file when this returns.</summary>
    public void Add(IReadOnlyList<SampleAnswer> answers)
    {
        if (answers.Count == 0) return;
        _answers ??= Open(AnswersFile, header: null, line => StepOf(line) < answers[0].Step);
        foreach (SampleAnswer answer in answers) _answers.WriteLine(JsonSerializer.Serialize(answer, Json));
    }

    /// <summary>Writes what is known of the run, in the place of what was known before.</summary>
    public void Write(RunRecord run)
    {
        using var file = new AtomicFile(Path.Combine(_folder, RunFile));
        file.Stream.Write(run.ToJson());
        file.Commit();
    }

    public void Dispose()
    {
        _steps?.Dispose();
        _answers?.Dispose();
    }

    /// <summary>The figures of a step, as they can be read back without loss; what there is not is empty.</summary>
    public static string Line(TrainingStatus status)
    {
        double?[] figures = [status.Share, status.Loss, status.LanguageLoss, status.VisualLoss, status.LearningRate, status.GradientNorm, status.ItemsPerSecond, status.Elapsed.TotalSeconds, status.ValidationLoss];
        string counts = string.Create(CultureInfo.InvariantCulture, $"{status.Step},{status.Epoch},");
        return counts + string.Join(',', figures.Select(figure => figure?.ToString("R", CultureInfo.InvariantCulture) ?? ""));
    }

    // A line that a power cut broke off is of no step.
    private static long StepOf(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<SampleAnswer>(line, Json)?.Step ?? long.MaxValue;
        }
        catch (JsonException)
        {
            return long.MaxValue;
        }
    }

    /// <summary>Opens a file behind the lines of the steps before one: those behind it were lost with the run that made them, or are another training's.</summary>
    private StreamWriter Open(string name, string? header, Func<string, bool> isKept)
    {
        Directory.CreateDirectory(_folder);
        string path = Path.Combine(_folder, name);
        string[] head = header is null ? [] : [header];
        string[] kept = File.Exists(path) ? [.. File.ReadLines(path).Skip(head.Length).TakeWhile(isKept)] : [];
        using (var file = new AtomicFile(path))
        {
            file.Stream.Write(Encoding.UTF8.GetBytes(string.Concat(head.Concat(kept).Select(line => line + "\n"))));
            file.Commit();
        }

        return new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true, NewLine = "\n" };
    }
}
