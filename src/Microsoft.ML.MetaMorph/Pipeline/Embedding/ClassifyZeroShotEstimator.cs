using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Classifies pictures by labels that are given as words; nothing is trained.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | <xref:Microsoft.ML.Data.MLImage>, text (a path), or vector of byte (an encoded picture) |
/// | Output column data type | key of the labels (`MapKeyToValue` gives the text); vectors of <xref:System.Single> with a slot for each label: scores, probabilities |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// Each label is put into each template; the vectors of these sentences, averaged, stand for the label. A picture's score for a label is the
/// cosine of their vectors, times the checkpoint's exp(logit_scale), plus its logit_bias; the probability is the sigmoid of the score, as the
/// checkpoint was trained to say yes or no to each pair. So probabilities of a picture do not add up to 1: all are near 0 where no label fits, and
/// several near 1 where several do. The predicted label is that of the highest score.
///
/// The labels are the slot names of scores and probabilities. Each row has exactly one picture: a row without one, or with a file that is not there
/// or is no picture is an error that names row, column and file; it comes when a value of that row is asked for, and the other rows have theirs. With an error column its message stands there; the row then has a missing label, and NaN as scores and probabilities.
/// ]]></format>
/// </remarks>
public sealed class ClassifyZeroShotEstimator : IEstimator<ClassifyZeroShotTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;

    internal ClassifyZeroShotEstimator(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _options = options;
    }

    /// <summary>Makes the transformer and the vectors of its labels; no row is read.</summary>
    /// <param name="input">Rows of the schema that will be transformed.</param>
    /// <returns>The transformer. It shares the encoder's weights, and appends the predicted label, scores, probabilities and, if asked for, the errors.</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    /// <exception cref="NotFiniteNumberException">The encoder's weights are broken.</exception>
    public ClassifyZeroShotTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Checked.With(new ClassifyZeroShotTransformer(_environment, _options.ToSettings(), _options.Encoder.Share()), transformer =>
        {
            transformer.GetOutputSchema(input.Schema);
            transformer.TellPrecision(_environment);
            transformer.Prepare();
        });
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns, the predicted label, scores, probabilities and, if asked for, the errors.</returns>
    /// <exception cref="ArgumentException">The input column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ClassifyZeroShotSettings settings = _options.ToSettings();
        ImageColumn.Require(inputSchema, settings.InputColumnName, EncodeImagesTransformer.Role);
        return SchemaShapes.Append(inputSchema, [.. settings.Outputs().Select(output => output.Column)]);
    }

    /// <summary>Options of <see cref="ClassifyZeroShotEstimator"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column of the label that fits best: a key, whose values are the labels.</summary>
        public string PredictedLabelColumnName { get; set; } = DefaultColumnNames.PredictedLabel;

        /// <summary>The column of scores (logits), one a label. Null: none.</summary>
        public string? ScoreColumnName { get; set; } = DefaultColumnNames.Score;

        /// <summary>The column of probabilities, one a label, each in [0, 1]; they do not add up to 1. Null: none.</summary>
        public string? ProbabilityColumnName { get; set; } = DefaultColumnNames.Probability;

        /// <summary>A column for the message of what made a row unusable; empty where nothing did. Such a row then has a missing label and NaN instead of throwing. Null (default): none.</summary>
        public string? ErrorColumnName { get; set; }

        /// <summary>The column of pictures.</summary>
        public string InputColumnName { get; set; } = DefaultColumnNames.Image;

        /// <summary>The encoder.</summary>
        public required LanguageImageEncoder Encoder { get; set; }

        /// <summary>The labels, at least one, all different.</summary>
        public required IReadOnlyList<string> Labels { get; set; }

        /// <summary>Sentences with <c>{0}</c> where the label is put in, at least one. Default: <c>This is a photo of {0}.</c></summary>
        public IReadOnlyList<string> Templates { get; set; } = ZeroShotLabels.DefaultTemplates;

        /// <summary>The folder at which relative paths start. Null: the current folder of the process. It is saved with the model.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>Rows that are read ahead, and pictures and sentences that go through the towers at a time; 1 to 65,536. Default: 16.</summary>
        public int BatchSize { get; set; } = 16;

        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Encoder);
            ArgumentNullException.ThrowIfNull(Labels);
            ArgumentNullException.ThrowIfNull(Templates);
            ToSettings().Validate(SettingNames.Options());
        }

        internal ClassifyZeroShotSettings ToSettings() => new(PredictedLabelColumnName, ScoreColumnName, ProbabilityColumnName, InputColumnName, [.. Labels], [.. Templates], ImageFolder, BatchSize, ErrorColumnName: ErrorColumnName);
    }
}
