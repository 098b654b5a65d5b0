namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of a <see cref="MetaMorphTransformer"/> beside the model.</summary>
internal sealed record MetaMorphSettings : ISavedSettings
{
    public required string PromptColumnName { get; init; }

    /// <summary>Where the answers of earlier turns stand, if a prompt has several turns.</summary>
    public string? ResponseColumnName { get; init; }

    public string? VisualTokensColumnName { get; init; }

    /// <summary>Where the pictures of the responses stand, if <see cref="VisualTokensColumnName"/> holds those of the prompts alone.</summary>
    public string? ResponseVisualTokensColumnName { get; init; }

    public required string OutputColumnName { get; init; }

    public string? OutputVisualTokensColumnName { get; init; }

    public string? ErrorColumnName { get; init; }

    public string? LogProbabilityColumnName { get; init; }

    public string? SystemMessage { get; init; }

    public int BatchSize { get; init; } = 8;

    public Precision Precision { get; init; }

    /// <summary>What training measured or was told, for people who look into the zip; null where we did not train the model.</summary>
    public string? TrainedIn { get; init; }

    /// <summary>What <see cref="Precision"/> meant on the machine that saved the model, for people who look into the zip; the machine that opens it decides anew.</summary>
    public string? ComputedIn { get; init; }

    public GenerationOptions Generation { get; init; } = new();

    public void Validate() => Validate(SettingNames.File);

    /// <summary>Checks every value, for options and for the saved file alike.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as <paramref name="names"/> say.</exception>
    public void Validate(SettingNames names)
    {
        ColumnNames.Require(names[nameof(PromptColumnName)], PromptColumnName);
        ColumnNames.Require(names[nameof(OutputColumnName)], OutputColumnName);
        ColumnNames.RequireOptional(names[nameof(ResponseColumnName)], ResponseColumnName);
        ColumnNames.RequireOptional(names[nameof(VisualTokensColumnName)], VisualTokensColumnName, "where no row has pictures");
        ColumnNames.RequireOptional(names[nameof(ResponseVisualTokensColumnName)], ResponseVisualTokensColumnName, "where prompts and responses have their pictures in one column");
        ColumnNames.RequireOptional(names[nameof(OutputVisualTokensColumnName)], OutputVisualTokensColumnName);
        ColumnNames.RequireOptional(names[nameof(ErrorColumnName)], ErrorColumnName);
        ColumnNames.RequireOptional(names[nameof(LogProbabilityColumnName)], LogProbabilityColumnName);
        if (ResponseVisualTokensColumnName is { } name && name == VisualTokensColumnName)
            throw new ArgumentException($"{names[nameof(VisualTokensColumnName)]} and {names[nameof(ResponseVisualTokensColumnName)]} are both '{name}'; where prompts and responses have their pictures in one column, set the latter to null.");
        ColumnNames.RequireUnlike(OutputColumnName, OutputVisualTokensColumnName, ErrorColumnName, LogProbabilityColumnName);
        ColumnNames.RequireVisible(
            Named(names, (nameof(PromptColumnName), PromptColumnName), (nameof(VisualTokensColumnName), VisualTokensColumnName), (nameof(ResponseVisualTokensColumnName), ResponseVisualTokensColumnName)),
            Named(names, (nameof(OutputColumnName), OutputColumnName), (nameof(OutputVisualTokensColumnName), OutputVisualTokensColumnName), (nameof(ErrorColumnName), ErrorColumnName), (nameof(LogProbabilityColumnName), LogProbabilityColumnName)));
        BatchSizes.Require(BatchSize, names[nameof(BatchSize)]);
        names.RequireDefined(nameof(Precision), Precision);
        if (Generation is null) throw new ArgumentException($"{names[nameof(Generation)]} is null; it must be an object with the options of generation.");
    }

    private static (string Option, string? Name)[] Named(SettingNames names, params (string Setting, string? Name)[] columns) => [.. columns.Select(column => (names[column.Setting], column.Name))];
}
