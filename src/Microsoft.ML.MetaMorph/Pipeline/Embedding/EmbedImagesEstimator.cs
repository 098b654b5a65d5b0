using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Makes a vector of each picture, for classifiers, clusterings and searches.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | <xref:Microsoft.ML.Data.MLImage>, text (a path), or vector of byte (an encoded picture) |
/// | Output column data type | Vector of <xref:System.Single> of the encoder's length (`LanguageImageEncoder.VectorLength`), of Euclidean length 1 |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// The vector is that of the vision tower's attention pooling head, as published checkpoints compare it with texts: the inner product of two
/// vectors is their cosine. Trainers of ML.NET read the column as their features (`SdcaMaximumEntropy`, `KMeans`); those that pass over the rows
/// more than once compute it anew each time, so put `AppendCacheCheckpoint` behind it.
///
/// The column of pictures may have the name of the output, which then takes its place. Each row has exactly one picture: a row without one, with
/// several paths, or with a file that is not there or is no picture is an error that names row, column and file; it comes when the vector of that row is
/// asked for, and the other rows have theirs. With an error column its message stands there, and the vector of that row is NaN, a missing value, which trainers of ML.NET pass over.
/// ]]></format>
/// </remarks>
public sealed class EmbedImagesEstimator : IEstimator<EmbedImagesTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal EmbedImagesEstimator(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _options = options;
    }

    /// <summary>Makes the transformer; no row is read.</summary>
    /// <param name="input">Rows of the schema that will be transformed.</param>
    /// <returns>The transformer. It shares the encoder's weights, and appends the vectors and, if asked for, the errors.</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    public EmbedImagesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Checked.With(new EmbedImagesTransformer(_environment, _options.ToSettings(), _options.Encoder.Share()), transformer =>
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
        EmbedImagesSettings settings = _options.ToSettings();
        ImageColumn.Require(inputSchema, settings.InputColumnName, EncodeImagesTransformer.Role);
        return SchemaShapes.Append(inputSchema, settings.Outputs(_options.Encoder.VectorLength));
    }

    /// <summary>Options of <see cref="EmbedImagesEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column of vectors that is appended.</summary>
        public string OutputColumnName { get; set; } = DefaultColumnNames.Vector;

        /// <summary>The column of pictures. Null: that with the name of the output, whose place the vectors take.</summary>
        public string? InputColumnName { get; set; } = DefaultColumnNames.Image;

        /// <summary>
        /// A column for the message of what made a row unusable; empty where nothing did. Such a row then has a vector of NaN instead of throwing, so that a
        /// cache (<c>AppendCacheCheckpoint</c>), which would end with the first exception, can stand behind. Null (default): none; such a row throws when its vector is asked for.
        /// </summary>
        public string? ErrorColumnName { get; set; }

        /// <summary>The encoder.</summary>
        public required LanguageImageEncoder Encoder { get; set; }

        /// <summary>The folder at which relative paths start. Null: the current folder of the process. It is saved with the model.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>Rows that are read ahead, and pictures that go through the tower at a time; 1 to 65,536. Default: 16.</summary>
        public int BatchSize { get; set; } = 16;

        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Encoder);
            ToSettings().Validate(SettingNames.Options());
        }

        internal EmbedImagesSettings ToSettings() => new(OutputColumnName, InputColumnName ?? OutputColumnName, ImageFolder, BatchSize, ErrorColumnName: ErrorColumnName);
    }
}
