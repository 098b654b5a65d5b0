namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of a <see cref="MetaMorphTransformer"/> beside the model.</summary>
internal sealed record MetaMorphSettings
{
    public required string PromptColumnName { get; init; }

    /// <summary>Where the answers of earlier turns stand, if a prompt has several turns.</summary>
    public string? ResponseColumnName { get; init; }

    public string? VisualTokensColumnName { get; init; }

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
}
