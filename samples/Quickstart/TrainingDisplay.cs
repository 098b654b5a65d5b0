using Microsoft.ML.MetaMorph;
using Spectre.Console;

namespace Quickstart;

/// <summary>A progress bar with loss and speed; one line every so often where the output is no terminal.</summary>
internal sealed class TrainingDisplay : IProgress<TrainingStatus>, IDisposable
{
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(15);

    private readonly string _title, _figureName;
    private readonly Func<TrainingStatus, double> _figure;
    private readonly ManualResetEventSlim _finished = new();
    private readonly Thread? _thread;
    private volatile TrainingStatus? _status;
    private TimeSpan _nextLine = LineInterval;

    public TrainingDisplay(string title, string figureName, Func<TrainingStatus, double> figure)
    {
        _title = title;
        _figureName = figureName;
        _figure = figure;
        if (!AnsiConsole.Profile.Capabilities.Interactive)
        {
            AnsiConsole.WriteLine(title);
            return;
        }
        _thread = new Thread(Draw) { IsBackground = true };
        _thread.Start();
    }

    public void Report(TrainingStatus value)
    {
        _status = value;
        if (_thread is not null || value.Elapsed < _nextLine) return;
        _nextLine = value.Elapsed + LineInterval;
        AnsiConsole.WriteLine($"  {value.Share,4:P0}  {Describe(value)}");
    }

    public void Dispose()
    {
        _finished.Set();
        _thread?.Join();
        if (_status is { } last) AnsiConsole.WriteLine($"{_title}: {Describe(last)}, {Minutes.Of(last.Elapsed)}");
        _finished.Dispose();
    }

    private string Describe(TrainingStatus status) => $"step {status.Step}, {_figureName} {_figure(status):F3}";

    private void Draw() => AnsiConsole.Progress()
        .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .Start(context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(_title), maxValue: 1);
            while (!_finished.Wait(200))
            {
                if (_status is not { } status) continue;
                task.Value = status.Share;
                task.Description = Markup.Escape($"{_title} ({Describe(status)})");
            }
            task.Value = 1;
        });
}
