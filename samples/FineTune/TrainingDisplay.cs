using Microsoft.ML.MetaMorph;
using Spectre.Console;

namespace FineTune;

/// <summary>A progress bar with the parts of the loss, speed, time left and memory; where the output is no terminal, a line at every checkpoint and every so often.</summary>
internal sealed class TrainingDisplay : IProgress<TrainingStatus>, IDisposable
{
    private const int BarWidth = 40;

    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(15);

    private readonly string _title, _unit;
    private readonly int _checkpointEvery;
    private readonly Func<TrainingStatus, string> _losses;
    private readonly ManualResetEventSlim _finished = new();
    private readonly Thread? _thread;
    private volatile TrainingStatus? _status;
    private TimeSpan _nextLine;

    /// <param name="title">What learns.</param>
    /// <param name="unit">What it takes in, for its speed.</param>
    /// <param name="checkpointEvery">Steps between two checkpoints, each of which has a line.</param>
    /// <param name="losses">The parts of the loss in words.</param>
    public TrainingDisplay(string title, string unit, int checkpointEvery, Func<TrainingStatus, string> losses)
    {
        (_title, _unit, _checkpointEvery, _losses) = (title, unit, checkpointEvery, losses);
        if (Console.IsOutputRedirected || !AnsiConsole.Profile.Capabilities.Interactive)
        {
            Console.WriteLine(title);
            return;
        }

        _thread = new Thread(Draw) { IsBackground = true };
        _thread.Start();
    }

    public void Report(TrainingStatus value)
    {
        _status = value;
        if (_thread is not null || (value.Elapsed < _nextLine && value.Step % _checkpointEvery != 0)) return;
        _nextLine = value.Elapsed + LineInterval;
        Console.WriteLine($"  {Describe(value)}");
    }

    public void Dispose()
    {
        _finished.Set();
        _thread?.Join();
        _finished.Dispose();
    }

    private string Describe(TrainingStatus status)
    {
        string steps = status.TotalSteps is { } total ? $"{status.Step}/{total}" : $"{status.Step}";
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"step {steps}, loss {status.Loss:F3} ({_losses(status)}), {status.ItemsPerSecond:N0} {_unit}/s, {Left(status)} left, {Environment.WorkingSet / 1e6:N0} MB");
    }

    /// <summary>The time left, as the share that is done tells it.</summary>
    private static string Left(TrainingStatus status)
    {
        TimeSpan left = status.Share > 0 ? status.Elapsed * ((1 - status.Share) / status.Share) : TimeSpan.Zero;
        return left.TotalHours >= 1 ? $"{(int)left.TotalHours}:{left.Minutes:D2} h" : $"{left.Minutes}:{left.Seconds:D2} min";
    }

    private void Draw() => AnsiConsole.Live(View(null)).Start(context =>
    {
        while (!_finished.Wait(200)) context.UpdateTarget(View(_status));
        context.UpdateTarget(View(_status));
    });

    /// <summary>A bar, and below it all else.</summary>
    private Rows View(TrainingStatus? status)
    {
        double share = status?.Share ?? 0;
        int done = (int)(share * BarWidth);
        string bar = $"[green]{new string('━', done)}[/][grey]{new string('━', BarWidth - done)}[/]";
        return new Rows(new Markup(FormattableString.Invariant($"{Markup.Escape(_title)} {bar} {share:P0}")), new Text(status is null ? "" : Describe(status)));
    }
}
