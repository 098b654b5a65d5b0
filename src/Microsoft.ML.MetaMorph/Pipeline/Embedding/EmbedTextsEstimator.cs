using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Makes a vector of each text, in the space of the vectors of pictures.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | text, or vector of text (its entries are joined by a space) |
/// | Output column data type | Vector of <xref:System.Single> of the encoder's length (`LanguageImageEncoder.VectorLength`), of Euclidean length 1 |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// The inner product with a picture's vector (`EmbedImages` with the same encoder) is their cosine. A text is made ready as the tower was
/// trained: in lower case, of SigLIP also without punctuation; what is longer than `LanguageImageEncoder.MaximumTextLength` tokens is cut. A missing
/// text is an empty one, which has a vector like any other. The column of texts may have the name of the output, which then takes its place.
///
/// Where a step in front of this one cannot give the text, that row is an error when its vector is asked for, and the other rows have theirs. With an
/// error column its message stands there, and the vector of that row is NaN, a missing value, which trainers of ML.NET pass over.
/// ]]></format>
/// </remarks>
public sealed class EmbedTextsEstimator : IEstimator<EmbedTextsTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal EmbedTextsEstimator(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _options = options;
    }

    /// <summary>Makes the transformer; no row is read.</summary>
    /// <param name="input">Rows of the schema that will be transformed.</param>
    /// <returns>The transformer. It shares the encoder's weights, and appends the vectors and, if asked for, the errors.</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    public EmbedTextsTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Checked.With(new EmbedTextsTransformer(_environment, _options.ToSettings(), _options.Encoder.Share()), transformer =>
        {
            transformer.GetOutputSchema(input.Schema);
            transformer.TellPrecision(_environment);
        });
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns, the vectors and, if asked for, the errors.</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        EmbeddingSettings settings = _options.ToSettings();
        TextColumn.Require(inputSchema, settings.InputColumnName, EmbedTextsTransformer.Role);
        return SchemaShapes.Append(inputSchema, settings.Outputs(_options.Encoder.VectorLength));
    }

    /// <summary>Options of <see cref="EmbedTextsEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column of vectors that is appended.</summary>
        public string OutputColumnName { get; set; } = DefaultColumnNames.Vector;

        /// <summary>The column of texts. Null: that with the name of the output, whose place the vectors take.</summary>
        public string? InputColumnName { get; set; } = DefaultColumnNames.Text;

        /// <inheritdoc cref="EmbedImagesEstimator.Options.ErrorColumnName"/>
        public string? ErrorColumnName { get; set; }

        /// <summary>The encoder.</summary>
        public required LanguageImageEncoder Encoder { get; set; }

        /// <summary>Rows that are read ahead, and texts that go through the tower at a time; 1 to 65,536. Default: 16.</summary>
        public int BatchSize { get; set; } = 16;

        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Encoder);
            ToSettings().Validate(SettingNames.Options());
        }

        internal EmbeddingSettings ToSettings() => new(OutputColumnName, InputColumnName ?? OutputColumnName, BatchSize, ErrorColumnName: ErrorColumnName);
    }
}
