using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Draws pictures from visual tokens with a trained visualizer.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | Vector of <xref:System.Single> with the dimensions [pictures, N, D]; if asked for, <xref:System.Int32> or <xref:System.Int64> (a seed), <xref:Microsoft.ML.Data.MLImage> (a picture to start from), and a second vector of <xref:System.Single> (tokens to lead away from) |
/// | Output column data type | <xref:Microsoft.ML.Data.MLImage>, or vector of text (paths) where an output folder is given |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// Vectors of ML.NET hold no pictures. Without an output folder there is a column for each of the first `MaximumImages` pictures of a row
/// (`Picture`, `Picture1`, …), null where the row has fewer; further pictures are not drawn. Pictures are the caller's: dispose them, or leave them to the garbage collector. With an output folder all pictures are
/// written as PNG files, named after their pixels, and one column holds their paths. The noise of a picture comes from a seed on the CPU: a
/// row draws the same picture alone, in a batch, and on every device (up to rounding).
/// ]]></format>
/// </remarks>
public sealed class GenerateImagesEstimator : IEstimator<GenerateImagesTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal GenerateImagesEstimator(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _options = options;
    }

    /// <summary>Makes the transformer; no row is read.</summary>
    /// <param name="input">Rows of the schema that will be transformed.</param>
    /// <returns>The transformer. It shares the visualizer's weights.</returns>
    /// <exception cref="ArgumentException">A column is missing, of another type, or of other dimensions than the visualizer's; or steps, size or scheduler of <see cref="Options.Generation"/> are none that it draws with.</exception>
    public GenerateImagesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _options.Validate();
        var transformer = new GenerateImagesTransformer(_environment, _options.ToSettings(), _options.Visualizer.Share(), _options.Progress, _options.CancellationToken);
        try
        {
            transformer.GetOutputSchema(input.Schema);
            transformer.TellPrecision(_environment);
            return transformer;
        }
        catch
        {
            transformer.Dispose();
            throw;
        }
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns and the pictures.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        GenerateImagesSettings settings = _options.ToSettings();
        GenerateImagesTransformer.Require(inputSchema, settings);
        return SchemaShapes.Append(inputSchema, GenerateImagesTransformer.Outputs(settings, _options.Visualizer.PictureSize));
    }

    /// <summary>Options of <see cref="GenerateImagesEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column of pictures that is appended; the second one has the name with 1 behind it, and so on.</summary>
        public string OutputColumnName { get; set; } = DefaultColumnNames.Picture;

        /// <summary>The column of visual tokens.</summary>
        public string InputColumnName { get; set; } = DefaultColumnNames.ResponseVisualTokens;

        /// <summary>What draws.</summary>
        public required Visualizer Visualizer { get; set; }

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
        /// tokens as the row has in <see cref="InputColumnName"/>, or none. Null (default) and a row with none: away from what is drawn without tokens.
        /// </summary>
        public string? NegativeTokensColumnName { get; set; }

        /// <summary>Columns of pictures, 1 to 1,024. Default: 1. Not used with an output folder.</summary>
        public int MaximumImages { get; set; } = 1;

        /// <summary>The folder for PNG files; the output column then holds their paths. Null (default): pictures stand in columns. It is saved with the model.</summary>
        public string? OutputFolder { get; set; }

        /// <summary>Steps, guidance, size, seed. Null: the defaults.</summary>
        public ImageGenerationOptions? Generation { get; set; }

        /// <summary>Rows that are read ahead, 1 to 65,536. Default: 8. How many pictures are drawn at a time is <see cref="ImageGenerationOptions.MaximumBatchSize"/>.</summary>
        public int BatchSize { get; set; } = 8;

        /// <summary>Told after every step. Null: nobody. Not saved.</summary>
        public IProgress<DrawingStatus>? Progress { get; set; }

        /// <summary>Ends a drawing between two steps. Not saved.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal void Validate()
        {
            ArgumentException.ThrowIfNullOrEmpty(OutputColumnName);
            ArgumentException.ThrowIfNullOrEmpty(InputColumnName);
            ColumnNames.RequireOptional(nameof(SeedColumnName), SeedColumnName);
            ArgumentNullException.ThrowIfNull(Visualizer);
            ColumnNames.RequireOptional(nameof(StartImageColumnName), StartImageColumnName);
            ColumnNames.RequireOptional(nameof(NegativeTokensColumnName), NegativeTokensColumnName);
            if (MaximumImages is < 1 or > GenerateImagesSettings.LargestMaximumImages)
                throw new ArgumentOutOfRangeException(nameof(MaximumImages), FormattableString.Invariant($"{nameof(MaximumImages)} is {MaximumImages}; it must be {GenerateImagesSettings.MaximumImagesRange}."));
            BatchSizes.Require(BatchSize, nameof(BatchSize));
            Visualizer.Require(Generation ?? new ImageGenerationOptions(), started: StartImageColumnName is not null);
        }

        internal GenerateImagesSettings ToSettings() => new()
        {
            OutputColumnName = OutputColumnName,
            InputColumnName = InputColumnName,
            SeedColumnName = SeedColumnName,
            StartImageColumnName = StartImageColumnName,
            NegativeTokensColumnName = NegativeTokensColumnName,
            MaximumImages = MaximumImages,
            OutputFolder = OutputFolder,
            BatchSize = BatchSize,
            Generation = Generation?.Clone() ?? new ImageGenerationOptions(),
        };
    }
}
