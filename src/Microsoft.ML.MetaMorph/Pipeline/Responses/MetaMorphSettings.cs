using static Microsoft.ML.MetaMorph.SettingsJson;

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

    public void Validate()
    {
        CheckColumn(nameof(PromptColumnName), PromptColumnName);
        CheckColumn(nameof(OutputColumnName), OutputColumnName);
        CheckColumn(nameof(ResponseColumnName), ResponseColumnName, optional: true);
        CheckColumn(nameof(VisualTokensColumnName), VisualTokensColumnName, optional: true);
        CheckColumn(nameof(ResponseVisualTokensColumnName), ResponseVisualTokensColumnName, optional: true);
        CheckColumn(nameof(OutputVisualTokensColumnName), OutputVisualTokensColumnName, optional: true);
        CheckColumn(nameof(ErrorColumnName), ErrorColumnName, optional: true);
        CheckColumn(nameof(LogProbabilityColumnName), LogProbabilityColumnName, optional: true);
        RequireUnlikeOutputs();
        Check(nameof(BatchSize), BatchSize, BatchSizes.IsValid(BatchSize), BatchSizes.Range);
        Check(nameof(Precision), Precision);
        Check(nameof(Generation), Generation, Generation is not null, "an object with the options of generation");
    }

    /// <summary>Checks that no two columns are appended under one name.</summary>
    /// <exception cref="ArgumentException">Two are; the name is told.</exception>
    public void RequireUnlikeOutputs()
    {
        string?[] outputs = [OutputColumnName, OutputVisualTokensColumnName, ErrorColumnName, LogProbabilityColumnName];
        if (outputs.OfType<string>().GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Two columns would be appended as '{twice.Key}'.");
    }
}
