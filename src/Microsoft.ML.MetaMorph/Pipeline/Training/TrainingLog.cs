using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Tells a training's progress to the log, to the progress channel and to the caller, and hears their cancellation.</summary>
internal sealed class TrainingLog : IDisposable
{
    private const double SharePerMessage = 0.05;

    private readonly IHost _host;
    private readonly IChannel _channel;
    private readonly IProgressChannel _progress;
    private readonly ITrainingControl _control;
    private readonly CancellationTokenSource _cancellation;
    private readonly Lock _writing = new();
    private readonly RunFolder? _folder;
    private readonly Dictionary<string, double> _figures = [];
    private RunRecord? _run;
    private TrainingStatus? _last;
    private double _nextMessage;

    public TrainingLog(IHost host, string name, ITrainingControl control)
    {
        _host = host;
        _control = control;
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(control.CancellationToken);
        _channel = host.Start(name);
        _progress = host.StartProgressChannel(name);
        _progress.SetHeader(new ProgressHeader(["Loss", "Language loss", "Visual loss", "Learning rate"], ["steps"]), Fill);
        if (control.LogFolder is { } folder) _folder = new RunFolder(folder);
        if (MLNetInternals.IsCanceled(host)) _cancellation.Cancel();
    }

    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>Tells in which element type the training computes.</summary>
    public void Info(PrecisionChoice choice) => Info($"Linear layers are computed in {choice}.");

    public void Info(string message) => _channel.Info(MessageSensitivity.None, message);

    public void Warn(string message) => _channel.Warning(MessageSensitivity.UserData, message);

    /// <summary>The checkpoints that a trainer's options ask for; null for none.</summary>
    /// <param name="options">Where, how often, how many.</param>
    /// <param name="training">What has to be the same where one is gone on from; asked where there are checkpoints.</param>
    public TrainingCheckpoints? Checkpoints(ICheckpointOptions options, Func<TrainingFingerprint> training)
        => CheckpointSettings.Of(options) is { } settings ? new TrainingCheckpoints(settings, training(), Info, Warn) : null;

    /// <summary>Begins the record of the run, where one is wanted.</summary>
    /// <param name="precision">In which element type is computed.</param>
    /// <param name="checkpoints">What is gone on from; null for none.</param>
    /// <param name="training">What the training is; asked where there is a record.</param>
    public void Begin(PrecisionChoice precision, TrainingCheckpoints? checkpoints, Func<TrainingFingerprint> training)
    {
        if (_folder is null) return;
        _run = new RunRecord
        {
            Started = DateTimeOffset.UtcNow,
            Precision = precision.ToString(),
            ResumedFrom = checkpoints?.Last?.Step ?? 0,
            Steps = checkpoints?.Last?.Step ?? 0,
            ElapsedSeconds = checkpoints?.Elapsed.TotalSeconds ?? 0,
            Options = (checkpoints?.Training ?? training()).Values,
        };
        _folder.Write(_run);
    }

    /// <summary>A figure of the whole run, for its record.</summary>
    public void Figure(string name, double value) => _figures[name] = value;

    /// <summary>Takes a step; it is written to the log every twentieth of the training.</summary>
    public void Report(TrainingStatus status)
    {
        lock (_writing) _last = status;
        if (MLNetInternals.IsCanceled(_host)) _cancellation.Cancel();
        string steps = status.TotalSteps is { } total ? $"{status.Step}/{total}" : $"{status.Step}";
        string line = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"step {steps}: loss {status.Loss:F4} (language {status.LanguageLoss:F4}, visual {status.VisualLoss:F4}), rate {status.LearningRate:G4}, {status.ItemsPerSecond:F0}/s");
        _channel.Trace(MessageSensitivity.None, line);
        _folder?.Add(status);
        if (status.Share >= _nextMessage)
        {
            Info(line);
            _progress.Checkpoint(status.Loss, status.LanguageLoss, status.VisualLoss, status.LearningRate, status.Step);
            _nextMessage = status.Share + SharePerMessage;
        }

        _control.Progress?.Report(status);
    }

    /// <summary>Takes answers to validation prompts.</summary>
    public void Answers(IReadOnlyList<SampleAnswer> answers)
    {
        foreach (SampleAnswer answer in answers) _channel.Info(MessageSensitivity.UserData, $"Step {answer.Step}, validation row {answer.Row}: '{answer.Prompt}' is answered '{answer.Answer}' ({answer.Finish}); the row says '{answer.Expected}'.");
        _folder?.Add(answers);
    }

    /// <summary>Tells how a training ended.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled, and its model is not wanted.</exception>
    public void End(TrainingEnd end, long steps)
    {
        if (_run is not null) _run = _run with { End = end, Steps = steps };
        if (end == TrainingEnd.Cancelled && !_control.KeepCancelled) throw new OperationCanceledException($"The training was cancelled after {steps} steps.", Cancellation);
        Info($"{end} after {steps} steps.");
    }

    public void Dispose()
    {
        WriteRecord();
        _folder?.Dispose();
        _progress.Dispose();
        _channel.Dispose();
        _cancellation.Dispose();
    }

    private void WriteRecord()
    {
        if (_run is null) return;
        if (_last is { } last)
        {
            (_figures["loss"], _figures["language loss"], _figures["visual loss"]) = (last.Loss, last.LanguageLoss, last.VisualLoss);
            _run = _run with { Steps = last.Step, ElapsedSeconds = last.Elapsed.TotalSeconds };
        }

        _folder!.Write(_run with { Written = DateTimeOffset.UtcNow, Figures = _figures });
    }

    // Called by whoever asks for progress, on their thread.
    private void Fill(IProgressEntry entry)
    {
        TrainingStatus? last;
        lock (_writing) last = _last;
        if (last is null) return;
        if (last.TotalSteps is { } total) entry.SetProgress(0, last.Step, total);
        else entry.SetProgress(0, last.Step);
        entry.SetMetric(0, last.Loss);
        entry.SetMetric(1, last.LanguageLoss);
        entry.SetMetric(2, last.VisualLoss);
        entry.SetMetric(3, last.LearningRate);
    }
}
