namespace Microsoft.ML.MetaMorph;

/// <summary>What drawings have in common, wherever their visual tokens come from: columns, how pictures are drawn, progress and cancellation.</summary>
public abstract class DrawingOptions
{
    private protected DrawingOptions()
    {
    }

    /// <summary>The column of pictures that is appended; the second one has the name with 1 behind it, and so on.</summary>
    public string OutputColumnName { get; set; } = DefaultColumnNames.Picture;

    /// <summary>What draws.</summary>
    public required Visualizer Visualizer { get; set; }

    /// <summary>Steps, guidance, size, seed. Null: the defaults.</summary>
    public ImageGenerationOptions? Generation { get; set; }

    /// <summary>Columns of pictures, 1 to 1,024. Default: 1. Further pictures of a row are not drawn. Not used with an output folder.</summary>
    public int MaximumImages { get; set; } = 1;

    /// <summary>The folder for PNG files; the output column then holds their paths. Null (default): pictures stand in columns. It is saved with the model.</summary>
    public string? OutputFolder { get; set; }

    /// <summary>A column that says why a row could not be drawn, empty where it could; such a row has no pictures. Null (default): none; it throws when a picture of it is asked for. The other rows have theirs either way.</summary>
    public string? ErrorColumnName { get; set; }

    /// <summary>A column of whole numbers, the seed of each row. Null (default): all rows have the seed of <see cref="Generation"/>, or that of the <see cref="MLContext"/>.</summary>
    public string? SeedColumnName { get; set; }

    /// <summary>
    /// A column of pictures (<see cref="Microsoft.ML.Data.MLImage"/>) that drawings start from instead of noise, of the size that is drawn: how far a
    /// drawing may leave its start is <see cref="ImageGenerationOptions.Strength"/>. All pictures of a row start from the row's; a row whose picture is
    /// null starts from noise. Null (default): all do.
    /// </summary>
    public string? StartImageColumnName { get; set; }

    /// <summary>
    /// A second column of visual tokens, which guidance (<see cref="ImageGenerationOptions.GuidanceScale"/> above 1) leads away from: as many pictures'
    /// tokens as the row draws from, or none. Null (default) and a row with none: away from what is drawn without tokens.
    /// </summary>
    public string? NegativeTokensColumnName { get; set; }

    /// <summary>Rows that are read ahead for drawing, 1 to 65,536. Default: 8. How many pictures are drawn at a time is <see cref="ImageGenerationOptions.MaximumBatchSize"/>.</summary>
    public int BatchSize { get; set; } = 8;

    /// <summary>Told after every step of drawing, on the thread that draws. Null: nobody. Not saved. Who wants <see cref="DrawingStatus.Preview"/> implements <see cref="IProgress{T}"/>: <see cref="System.Progress{T}"/> hands reports on too late for it.</summary>
    public IProgress<DrawingStatus>? Progress { get; set; }

    /// <summary>Ends a drawing between two steps. Not saved.</summary>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>Checks what all drawings have.</summary>
    internal virtual void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(OutputColumnName);
        ArgumentNullException.ThrowIfNull(Visualizer);
        ColumnNames.RequireOptional(nameof(ErrorColumnName), ErrorColumnName);
        ColumnNames.RequireOptional(nameof(SeedColumnName), SeedColumnName);
        ColumnNames.RequireOptional(nameof(StartImageColumnName), StartImageColumnName);
        ColumnNames.RequireOptional(nameof(NegativeTokensColumnName), NegativeTokensColumnName);
        if (MaximumImages is < 1 or > GenerateImagesSettings.LargestMaximumImages)
            throw new ArgumentOutOfRangeException(nameof(MaximumImages), FormattableString.Invariant($"{nameof(MaximumImages)} is {MaximumImages}; it must be {GenerateImagesSettings.MaximumImagesRange}."));
        BatchSizes.Require(BatchSize, nameof(BatchSize));
        Visualizer.Require(Generation ?? new ImageGenerationOptions(), started: StartImageColumnName is not null);
    }

    /// <summary>The options of drawing the tokens of a column that something in front appends.</summary>
    /// <param name="tokens">The column of visual tokens.</param>
    /// <param name="errors">The column of what kept a row from having them; null for none.</param>
    internal GenerateImagesEstimator.Options Of(string tokens, string? errors) => new()
    {
        OutputColumnName = OutputColumnName,
        InputColumnName = tokens,
        InputErrorColumnName = errors,
        Visualizer = Visualizer,
        Generation = Generation,
        MaximumImages = MaximumImages,
        OutputFolder = OutputFolder,
        ErrorColumnName = ErrorColumnName,
        SeedColumnName = SeedColumnName,
        StartImageColumnName = StartImageColumnName,
        NegativeTokensColumnName = NegativeTokensColumnName,
        BatchSize = BatchSize,
        Progress = Progress,
        CancellationToken = CancellationToken,
    };
}
