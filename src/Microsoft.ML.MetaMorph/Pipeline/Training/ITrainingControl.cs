namespace Microsoft.ML.MetaMorph;

/// <summary>How a caller watches and ends a training; the options of every trainer have these, and <see cref="TrainingLog"/> honours them.</summary>
internal interface ITrainingControl
{
    /// <summary>Whether a cancelled training gives the model as it stands instead of throwing.</summary>
    bool KeepCancelled { get; }

    /// <summary>Where figures of every step and a record of the run go; null for none.</summary>
    string? LogFolder { get; }

    /// <summary>Told after every step, on the training's thread.</summary>
    IProgress<TrainingStatus>? Progress { get; }

    /// <summary>Ends the training before its next step.</summary>
    CancellationToken CancellationToken { get; }
}
