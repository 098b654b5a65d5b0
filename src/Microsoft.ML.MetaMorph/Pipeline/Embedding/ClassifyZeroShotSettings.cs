using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of a <see cref="ClassifyZeroShotTransformer"/> beside the encoder.</summary>
/// <param name="PredictedLabelColumnName">The column of the label that fits best.</param>
/// <param name="ScoreColumnName">The column of logits; null for none.</param>
/// <param name="ProbabilityColumnName">The column of probabilities; null for none.</param>
/// <param name="InputColumnName">The column of pictures.</param>
/// <param name="Labels">The labels, in the order of the slots.</param>
/// <param name="Templates">Sentences with the mark <c>{0}</c> for the label.</param>
/// <param name="ImageFolder">Where relative paths start.</param>
/// <param name="BatchSize">Rows that are read ahead.</param>
/// <param name="Precision">The encoder's, in the zip.</param>
/// <param name="TrainedIn">The encoder's, in the zip.</param>
/// <param name="ErrorColumnName">The column of what made a row unusable; null where such a row throws.</param>
internal sealed record ClassifyZeroShotSettings(
    string PredictedLabelColumnName,
    string? ScoreColumnName,
    string? ProbabilityColumnName,
    string InputColumnName,
    string[] Labels,
    string[] Templates,
    string? ImageFolder,
    int BatchSize,
    Precision Precision = Precision.Auto,
    string? TrainedIn = null,
    string? ErrorColumnName = null) : ISavedSettings
{
    public void Validate() => Validate(SettingNames.File);

    /// <summary>The columns that are appended.</summary>
    public (ZeroShotOutput Output, DataViewSchema.DetachedColumn Column)[] Outputs()
    {
        var outputs = new List<(ZeroShotOutput, DataViewSchema.DetachedColumn)> { (ZeroShotOutput.PredictedLabel, VectorColumn.Key(PredictedLabelColumnName, Labels)) };
        if (ScoreColumnName is { } score) outputs.Add((ZeroShotOutput.Score, VectorColumn.Of(score, Labels)));
        if (ProbabilityColumnName is { } probability) outputs.Add((ZeroShotOutput.Probability, VectorColumn.Of(probability, Labels)));
        if (ErrorColumnName is { } error) outputs.Add((ZeroShotOutput.Error, new(error, TextDataViewType.Instance)));
        return [.. outputs];
    }

    /// <summary>Checks every value, for options and for the saved file alike.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as <paramref name="names"/> say.</exception>
    public void Validate(SettingNames names)
    {
        ColumnNames.Require(names[nameof(PredictedLabelColumnName)], PredictedLabelColumnName);
        ColumnNames.RequireOptional(names[nameof(ScoreColumnName)], ScoreColumnName);
        ColumnNames.RequireOptional(names[nameof(ProbabilityColumnName)], ProbabilityColumnName);
        ColumnNames.RequireOptional(names[nameof(ErrorColumnName)], ErrorColumnName);
        ColumnNames.RequireUnlike(PredictedLabelColumnName, ScoreColumnName, ProbabilityColumnName, ErrorColumnName);
        ColumnNames.Require(names[nameof(InputColumnName)], InputColumnName);
        ColumnNames.RequireVisible([(names[nameof(InputColumnName)], InputColumnName)], [(names[nameof(ErrorColumnName)], ErrorColumnName)]);
        BatchSizes.Require(BatchSize, names[nameof(BatchSize)]);
        names.RequireDefined(nameof(Precision), Precision);
        RequireLabels(names[nameof(Labels)]);
        RequireTemplates(names[nameof(Templates)]);
    }

    private void RequireLabels(string option)
    {
        if (Labels is not { Length: > 0 }) throw new ArgumentException($"{option} is {(Labels is null ? "null" : "empty")}; it must be a list of at least one label.");
        for (int i = 0; i < Labels.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(Labels[i])) throw new ArgumentException(FormattableString.Invariant($"{option}[{i}] is {(Labels[i] is null ? "null" : "empty")}; each entry must be a label."));
            int first = Array.IndexOf(Labels, Labels[i]);
            if (first < i) throw new ArgumentException(FormattableString.Invariant($"{option}[{first}] and {option}[{i}] are both '{Labels[i]}'; each label may stand there once."));
        }
    }

    private void RequireTemplates(string option)
    {
        if (Templates is not { Length: > 0 }) throw new ArgumentException($"{option} is {(Templates is null ? "null" : "empty")}; it must be a list of at least one sentence with {ZeroShotLabels.Mark} for the label.");
        for (int i = 0; i < Templates.Length; i++)
        {
            if (Templates[i]?.Contains(ZeroShotLabels.Mark, StringComparison.Ordinal) != true)
                throw new ArgumentException(FormattableString.Invariant($"{option}[{i}] is {(Templates[i] is { } text ? $"'{text}'" : "null")}; each template must hold {ZeroShotLabels.Mark}, where the label is put in."));
        }
    }
}

/// <summary>What zero-shot classification gives to the columns.</summary>
internal enum ZeroShotOutput
{
    PredictedLabel,
    Score,
    Probability,
    Error,
}
