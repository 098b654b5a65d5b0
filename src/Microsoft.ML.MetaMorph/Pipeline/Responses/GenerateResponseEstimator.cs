using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Answers prompts with a pretrained MetaMorph: a folder as a transformer, without training.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Estimator Characteristics
/// |  |  |
/// | -- | -- |
/// | Does this estimator need to look at the data to train its parameters? | No |
/// | Input column data type | Text, or vector of text (several turns); vector of <xref:System.Single> with the dimensions [pictures, N, D] |
/// | Output column data type | Text; vector of <xref:System.Single> with the dimensions [pictures, N, D]; if asked for, text (errors) and vector of <xref:System.Single> (log-probabilities) |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
/// ]]></format>
/// </remarks>
public sealed class GenerateResponseEstimator : IEstimator<MetaMorphTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly Options _options;
    private readonly MetaMorphSettings _settings;
    private readonly Lazy<MetaMorphConfig> _config;

    internal GenerateResponseEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentException.ThrowIfNullOrEmpty(options.PretrainedFolder);
        ConversationText.RequireTemplate(options.ChatTemplate);
        _environment = environment;
        _options = options;
        _settings = options.ToSettings();
        _config = new Lazy<MetaMorphConfig>(ReadConfig);
    }

    /// <summary>Opens the folder; no row is read.</summary>
    /// <param name="input">Rows of the schema that will be transformed.</param>
    /// <returns>The transformer.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">The folder holds another model, or files that do not belong together.</exception>
    public MetaMorphTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        ResponseModel model = ResponseModelFolder.Open(_options.PretrainedFolder, ComputeDevice.Choose(_environment), _options.Precision, _options.ChatTemplate);
        return Checked.With(new MetaMorphTransformer(_environment, _settings, new Lease<ResponseModel>(model)), transformer =>
        {
            ResponseGenerator.RequireRoom(_settings.Generation, model.Config.VisualTokenCount);
            transformer.GetOutputSchema(input.Schema);
            transformer.TellPrecision(_environment);
        });
    }

    /// <summary>The schema after the transformer; the folder's configuration is read, its weights are not.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns and those of the response.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        MetaMorphTransformer.Require(inputSchema, _settings);
        MetaMorphConfig config = _config.Value;
        return SchemaShapes.Append(inputSchema, [.. MetaMorphTransformer.Outputs(_settings, config.VisualTokenCount, config.VisualTokenWidth).Select(output => output.Column)]);
    }

    private MetaMorphConfig ReadConfig()
    {
        string folder = PretrainedFolder.Resolve(_options.PretrainedFolder);
        ResponseModelFolder.RequireMetaMorph(folder);
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(folder);
        return ResponseModelFolder.ReadConfig(folder, json => ResponseModelFolder.Config(json, tokenizer));
    }

    /// <summary>Options of <see cref="GenerateResponseEstimator"/>.</summary>
    public sealed class Options : ResponseColumns
    {
        /// <summary>A folder in Hugging Face layout, or the name (<c>org/name</c>) of a model in the local Hugging Face cache.</summary>
        public required string PretrainedFolder { get; set; }

        /// <summary>A Jinja chat template instead of the folder's; null for the folder's. The released MetaMorph was trained with <see cref="BytePairTrainingOptions.DefaultChatTemplate"/>.</summary>
        public string? ChatTemplate { get; set; }

        /// <summary>In which element type linear layers are computed. Default: measured.</summary>
        public Precision Precision { get; set; } = Precision.Auto;

        internal MetaMorphSettings ToSettings() => ToSettings(Precision);
    }
}
