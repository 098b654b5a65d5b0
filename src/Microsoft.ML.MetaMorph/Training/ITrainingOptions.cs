namespace Microsoft.ML.MetaMorph;

/// <summary>What the options of every training say alike: its length, the curve of its learning rate, AdamW and what becomes of the weights.</summary>
/// <remarks>Ranges are those of <see cref="OptionRange.Check(ITrainingOptions)"/>.</remarks>
internal interface ITrainingOptions
{
    int? MaximumSteps { get; }

    double? MaximumSeconds { get; }

    int BatchSize { get; }

    LearningRateScheduleKind Schedule { get; }

    double WarmupRatio { get; }

    double WeightDecay { get; }

    double Beta1 { get; }

    double Beta2 { get; }

    double Epsilon { get; }

    double? MaximumGradientNorm { get; }

    double? AveragingDecay { get; }

    Precision Precision { get; }
}
