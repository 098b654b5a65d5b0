using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Draws pictures from visual tokens with a trained visualizer.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | Vector of <xref:System.Single> with the dimensions [pictures, N, D]; if asked for, <xref:System.Int32> or <xref:System.Int64> (a seed), <xref:Microsoft.ML.Data.MLImage> (a picture to start from), and a second vector of <xref:System.Single> (tokens to lead away from), text (errors of what makes the tokens) |
/// | Output column data type | <xref:Microsoft.ML.Data.MLImage>, or vector of text (paths) where an output folder is given; if asked for, text (why a row could not be drawn) |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// Vectors of ML.NET hold no pictures. Without an output folder there is a column for each of the first `MaximumImages` pictures of a row
/// (`Picture`, `Picture1`, …), null where the row has fewer; further pictures are not drawn. Pictures are the caller's: dispose them, or leave them to the garbage collector. With an output folder all pictures are
/// written as PNG files, named after their pixels, and one column holds their paths. The noise of a picture comes from a seed on the CPU: a
/// row draws the same picture alone, in a batch, and on every device (up to rounding). A row that cannot be drawn says so when its pictures
/// are asked for, or in a column of errors; the other rows of its batch have theirs.
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
    /// <exception cref="ArgumentException">A column is missing, of another type, or of other dimensions than the visualizer's; or steps, size or scheduler of <see cref="DrawingOptions.Generation"/> are none that it draws with.</exception>
    public GenerateImagesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _options.Validate();
        return Checked.With(new GenerateImagesTransformer(_environment, _options.ToSettings(), _options.Visualizer.Share(), _options.Progress, _options.CancellationToken), transformer =>
        {
            transformer.GetOutputSchema(input.Schema);
            transformer.Tell(_environment);
        });
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns, the pictures and, if asked for, the errors.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        GenerateImagesSettings settings = _options.ToSettings();
        GenerateImagesTransformer.Require(inputSchema, settings);
        return SchemaShapes.Append(inputSchema, GenerateImagesTransformer.Outputs(settings, (_options.Visualizer.PictureHeight, _options.Visualizer.PictureWidth)));
    }

    /// <summary>Options of <see cref="GenerateImagesEstimator"/>.</summary>
    public sealed class Options : DrawingOptions
    {
        /// <summary>The column of visual tokens.</summary>
        public string InputColumnName { get; set; } = DefaultColumnNames.ResponseVisualTokens;

        /// <summary>
        /// A column of texts that says why a row has no visual tokens, empty where it has: <see cref="EncodeImagesEstimator.Options.ErrorColumnName"/> or
        /// <see cref="ResponseColumns.ErrorColumnName"/> of what makes them. A row with a text is not drawn, and that text is its error. Null (default):
        /// none; a row without tokens is one without pictures.
        /// </summary>
        public string? InputErrorColumnName { get; set; }

        internal override void Validate()
        {
            ArgumentException.ThrowIfNullOrEmpty(InputColumnName);
            ColumnNames.RequireOptional(nameof(InputErrorColumnName), InputErrorColumnName);
            base.Validate();
            ToSettings().RequireUnlikeOutputs();
        }

        internal GenerateImagesSettings ToSettings() => new()
        {
            OutputColumnName = OutputColumnName,
            InputColumnName = InputColumnName,
            InputErrorColumnName = InputErrorColumnName,
            ErrorColumnName = ErrorColumnName,
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
