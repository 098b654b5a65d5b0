using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Encodes pictures as visual tokens with a frozen image encoder.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | one or several of: <xref:Microsoft.ML.Data.MLImage>, text (a path), vector of text (several paths), vector of byte (one encoded picture) |
/// | Output column data type | Vector of <xref:System.Single> with the dimensions [pictures, N, D]; the number of pictures is unknown in the type; if asked for, text (errors); with several columns of pictures, vector of <xref:System.Int32> (how many pictures each gave) |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// One column of pictures may have the name of the output, as everywhere in ML.NET: the tokens then take its place. With several columns, the
/// output needs a name of its own.
///
/// Vectors of ML.NET hold no pictures: rows of several pictures have several columns, or one column of paths. The pictures of all columns
/// stand one after another. A missing picture (null, an empty path, no bytes) gives no tokens; a row without any, a vector of length 0. A file that is not there or is no picture is
/// an error that names the row, the column and the file; it comes when the tokens of that row are asked for, and the other rows have theirs. With an error column its message stands there, and the row has no tokens. Pictures of any sizes may stand in one batch. Every epoch of training reads the
/// column again: put `AppendCacheCheckpoint` behind it, which keeps all in memory, or give a `CacheFolder`, which keeps them on the disk.
///
/// With several columns of pictures one more column is appended, named after that of the tokens with `PictureCounts` behind it
/// (`VisualTokensPictureCounts`): how many pictures of the row each column gave, with the columns' names as slot names. Trainers and transformers
/// that read the tokens look there whether a picture moved up from behind an empty column.
/// ]]></format>
/// </remarks>
public sealed class EncodeImagesEstimator : IEstimator<EncodeImagesTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal EncodeImagesEstimator(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _options = options;
    }

    /// <summary>Makes the transformer; no row is read.</summary>
    /// <param name="input">Rows of the schema that will be transformed.</param>
    /// <returns>The transformer. It shares the encoder's weights, and appends the visual tokens; if asked for, the errors; with several columns of pictures, their counts (<c>PictureCounts</c> behind the tokens' name).</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    public EncodeImagesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Checked.With(new EncodeImagesTransformer(_environment, _options.ToSettings(), _options.Encoder.Share(), cacheFolder: _options.CacheFolder), transformer =>
        {
            transformer.GetOutputSchema(input.Schema);
            transformer.TellPrecision(_environment);
        });
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns and the visual tokens; if asked for, the errors; with several columns of pictures, their counts (<c>PictureCounts</c> behind the tokens' name).</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (string input in _options.InputColumns) ImageColumn.Require(inputSchema, input, EncodeImagesTransformer.Role);
        return SchemaShapes.Append(inputSchema, [.. EncodeImagesTransformer.Outputs(_options.ToSettings(), _options.Encoder.VisualTokenCount, _options.Encoder.VisualTokenWidth).Select(output => output.Column)]);
    }

    /// <summary>Options of <see cref="EncodeImagesEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column of visual tokens that is appended. It may have the name of the column of pictures, where there is one only, and then takes its place.</summary>
        public string OutputColumnName { get; set; } = DefaultColumnNames.VisualTokens;

        /// <summary>The columns of pictures; their pictures are taken in this order. Empty: one column, with the name of the output, which takes its place. Several: one more column tells how many pictures each gave, named after the output with <c>PictureCounts</c> behind it.</summary>
        public IReadOnlyList<string> InputColumnNames { get; set; } = [];

        /// <summary>
        /// A column for the message of what made a row's pictures unreadable; empty where they could be read. Such a row then has no visual tokens
        /// instead of throwing, so that a cache (<c>AppendCacheCheckpoint</c>), which would end with the first exception, can stand behind. Null
        /// (default): none; such a row throws when its tokens are asked for.
        /// </summary>
        public string? ErrorColumnName { get; set; }

        /// <summary>The encoder.</summary>
        public required ImageEncoder Encoder { get; set; }

        /// <summary>The folder at which relative paths start. Null: the current folder of the process. It is saved with the model.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>
        /// The folder in which visual tokens are kept, by what the picture holds and what the encoder is (sizes, weights, preprocessing, element type): a
        /// picture that was encoded before, in an earlier epoch or by another run, is not decoded again, and its file need not be there any more. Any
        /// number of runs may share the folder; an entry that is damaged is computed again, and told in the log. It is not saved with the model, and
        /// grows by 4 N D bytes a picture. Null (default): none are kept.
        /// </summary>
        public string? CacheFolder { get; set; }

        /// <summary>Rows that are read ahead, and pictures that go through the tower at a time; 1 to 65,536. Default: 16.</summary>
        public int BatchSize { get; set; } = 16;

        internal IReadOnlyList<string> InputColumns => InputColumnNames.Count == 0 ? [OutputColumnName] : InputColumnNames;

        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Encoder);
            ArgumentNullException.ThrowIfNull(InputColumnNames);
            if (CacheFolder is { } folder) ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(CacheFolder));
            ToSettings().Validate(SettingNames.Options());
        }

        internal EncodeImagesSettings ToSettings() => new(OutputColumnName, [.. InputColumns], ImageFolder, BatchSize, ErrorColumnName: ErrorColumnName);
    }
}
