namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of a <see cref="GenerateImagesTransformer"/> beside the visualizer.</summary>
internal sealed record GenerateImagesSettings
{
    public required string OutputColumnName { get; init; }

    public required string InputColumnName { get; init; }

    public string? SeedColumnName { get; init; }

    /// <summary>Picture columns; 1 where pictures go into files.</summary>
    public int MaximumImages { get; init; } = 1;

    /// <summary>Where files go; null for pictures in columns.</summary>
    public string? OutputFolder { get; init; }

    public int BatchSize { get; init; } = 8;

    public Precision Precision { get; init; }

    public bool TiledDecoding { get; init; }

    public ImageGenerationOptions Generation { get; init; } = new();

    /// <summary>The names of the columns that are appended.</summary>
    public IEnumerable<string> OutputColumnNames => OutputFolder is not null
        ? [OutputColumnName]
        : Enumerable.Range(0, MaximumImages).Select(i => i == 0 ? OutputColumnName : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{OutputColumnName}{i}"));
}
