using System.Globalization;
using System.Text;

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

    /// <summary>The file about the whole run.</summary>
    public const string RunFile = "run.json";

    /// <summary>The first line of <see cref="StepsFile"/>.</summary>
    public const string Header = "step,epoch,share,loss,language_loss,visual_loss,learning_rate,gradient_norm,items_per_second,elapsed_seconds,validation_loss";

    private readonly string _folder = Path.GetFullPath(folder);
    private StreamWriter? _steps;
    private TrainingBoard? _board;

    /// <summary>Takes a step. Every line is in the file when this returns.</summary>
    public void Add(TrainingStatus status)
    {
        _steps ??= Open(status.Step);
        _steps.WriteLine(Line(status));
        _board ??= new TrainingBoard(_folder);
        _board.AddStep(status);
    }

    /// <summary>Writes what is known of the run, in the place of what was known before.</summary>
    public void Write(RunRecord run)
    {
        using var file = new AtomicFile(Path.Combine(_folder, RunFile));
        file.Stream.Write(run.ToJson());
        file.Commit();
    }

    public void Dispose() => _steps?.Dispose();

    /// <summary>The figures of a step, as they can be read back without loss; what there is not is empty.</summary>
    public static string Line(TrainingStatus status)
    {
        double?[] figures = [status.Share, status.Loss, status.LanguageLoss, status.VisualLoss, status.LearningRate, status.GradientNorm, status.ItemsPerSecond, status.Elapsed.TotalSeconds, status.ValidationLoss];
        string counts = string.Create(CultureInfo.InvariantCulture, $"{status.Step},{status.Epoch},");
        return counts + string.Join(',', figures.Select(figure => figure?.ToString("R", CultureInfo.InvariantCulture) ?? ""));
    }

    /// <summary>Opens the file behind the lines of the steps before one: those behind it were lost with the run that made them, or are another training's.</summary>
    private StreamWriter Open(long step)
    {
        Directory.CreateDirectory(_folder);
        string path = Path.Combine(_folder, StepsFile);
        string[] kept = File.Exists(path) ? [.. File.ReadLines(path).Skip(1).TakeWhile(line => long.TryParse(line.Split(',')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number < step)] : [];
        using (var file = new AtomicFile(path))
        {
            file.Stream.Write(Encoding.UTF8.GetBytes(string.Concat(new[] { Header }.Concat(kept).Select(line => line + "\n"))));
            file.Commit();
        }

        return new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true, NewLine = "\n" };
    }
}
