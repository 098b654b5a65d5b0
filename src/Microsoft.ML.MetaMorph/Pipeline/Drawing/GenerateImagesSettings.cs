using static Microsoft.ML.MetaMorph.SettingsJson;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of a <see cref="GenerateImagesTransformer"/> beside the visualizer.</summary>
internal sealed record GenerateImagesSettings : ISavedSettings
{
    /// <summary>A column of the schema for each: a number that nobody can mean is refused, in code and in a saved file alike.</summary>
    public const int LargestMaximumImages = 1024;

    /// <summary>What can be used, for messages.</summary>
    public const string MaximumImagesRange = "at least 1 and at most 1024";

    public required string OutputColumnName { get; init; }

    public required string InputColumnName { get; init; }

    /// <summary>The texts of what made the tokens and failed; null: none are looked at.</summary>
    public string? InputErrorColumnName { get; init; }

    /// <summary>The column of what kept a row from being drawn; null: such a row throws.</summary>
    public string? ErrorColumnName { get; init; }

    public string? SeedColumnName { get; init; }

    /// <summary>The pictures that drawings begin with; null: noise.</summary>
    public string? StartImageColumnName { get; init; }

    /// <summary>The visual tokens that guidance leads away from; null: none.</summary>
    public string? NegativeTokensColumnName { get; init; }

    /// <summary>Picture columns; 1 where pictures go into files.</summary>
    public int MaximumImages { get; init; } = 1;

    /// <summary>Where files go; null for pictures in columns.</summary>
    public string? OutputFolder { get; init; }

    public int BatchSize { get; init; } = 8;

    public Precision Precision { get; init; }

    /// <summary>What training measured or was told, for people who look into the zip; null where we did not train the visualizer.</summary>
    public string? TrainedIn { get; init; }

    /// <summary>What <see cref="Precision"/> meant on the machine that saved the visualizer, for people who look into the zip; the machine that opens it decides anew.</summary>
    public string? ComputedIn { get; init; }

    public bool TiledDecoding { get; init; }

    public ImageGenerationOptions Generation { get; init; } = new();

    /// <summary>The names of the columns that are read.</summary>
    public string[] InputColumnNames => [.. new[] { InputColumnName, InputErrorColumnName, SeedColumnName, StartImageColumnName, NegativeTokensColumnName }.OfType<string>().Distinct()];

    /// <summary>The names of the columns of pictures, or of that of their paths.</summary>
    public IEnumerable<string> OutputColumnNames => OutputFolder is not null
        ? [OutputColumnName]
        : Enumerable.Range(0, MaximumImages).Select(i => i == 0 ? OutputColumnName : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{OutputColumnName}{i}"));

    /// <summary>Refuses to append two columns of one name.</summary>
    /// <exception cref="ArgumentException">The errors would stand in a column of pictures.</exception>
    public void RequireUnlikeOutputs()
    {
        if (ErrorColumnName is { } error && OutputColumnNames.Contains(error))
            throw new ArgumentException($"Pictures and errors would both be appended as '{error}' ({nameof(OutputColumnName)} '{OutputColumnName}', {nameof(MaximumImages)} {MaximumImages}, {nameof(ErrorColumnName)} '{error}'). Give the errors another name.");
    }

    public void Validate()
    {
        CheckColumn(nameof(OutputColumnName), OutputColumnName);
        CheckColumn(nameof(InputColumnName), InputColumnName);
        CheckColumn(nameof(InputErrorColumnName), InputErrorColumnName, optional: true);
        CheckColumn(nameof(ErrorColumnName), ErrorColumnName, optional: true);
        CheckColumn(nameof(SeedColumnName), SeedColumnName, optional: true);
        CheckColumn(nameof(StartImageColumnName), StartImageColumnName, optional: true);
        CheckColumn(nameof(NegativeTokensColumnName), NegativeTokensColumnName, optional: true);
        Check(nameof(MaximumImages), MaximumImages, MaximumImages is >= 1 and <= LargestMaximumImages, MaximumImagesRange);
        Check(nameof(BatchSize), BatchSize, BatchSizes.IsValid(BatchSize), BatchSizes.Range);
        Check(nameof(Precision), Precision);
        Check(nameof(Generation), Generation, Generation is not null, "an object with the options of drawing");
        RequireUnlikeOutputs();
    }
}
