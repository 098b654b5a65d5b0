using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Answers prompts of words and pictures with words and pictures (as visual tokens). Made by
/// <see cref="VisualPredictiveInstructionTuningTrainer"/> and <see cref="GenerateResponseEstimator"/>.
/// </summary>
/// <remarks>
/// <para>Appended columns: the response's text, with <c>&lt;image&gt;</c> where a picture stands; the visual tokens of those pictures,
/// <c>Vector&lt;Single&gt;</c> [pictures, N, D], as an image encoder would give them; if asked for, the message of what made a row
/// unanswerable, and the log-probability of every text token. A row that cannot be answered (a picture that is no picture, marks without
/// pictures, a prompt that is too long) names its number and columns: in the error column if there is one, beside an empty answer, else as
/// an <see cref="InvalidDataException"/> when a value of that row is asked for. The other rows of its batch are answered either way.</para>
/// <para>A prompt column of scalar text is one turn. A vector has one element a turn; the answers of all turns but the last are read
/// from the response column, which then has to be there. The visual tokens column holds the pictures of the prompts first, in the order
/// of their marks, then those of the responses, unless these have a column of their own; pictures behind those that are needed belong to
/// the answer that is to be made, and are not looked at. A missing text is an empty one.</para>
/// <inheritdoc cref="BatchTransformer" path="/remarks/para"/>
/// <para>Not exportable to ONNX.</para>
/// </remarks>
public sealed class MetaMorphTransformer : BatchTransformer
{
    internal const string Kind = "metamorph";
    internal const string PromptRole = "prompt";
    internal const string ResponseRole = "response";
    internal const string VisualTokensRole = "visual tokens";
    internal const string ResponseVisualTokensRole = "visual tokens of responses";

    private readonly IHost _host;
    private readonly MetaMorphSettings _settings;
    private readonly Lease<ResponseModel> _model;

    internal MetaMorphTransformer(IHostEnvironment environment, MetaMorphSettings settings, Lease<ResponseModel> model)
    {
        _host = environment.Register(nameof(MetaMorphTransformer));
        _settings = settings;
        _model = model.HeldBy(typeof(MetaMorphTransformer));
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>The tokenizer, with the chat template.</summary>
    public LanguageTokenizer Tokenizer => _model.Value.Text.Tokenizer;

    /// <summary>N: visual tokens a picture.</summary>
    public int VisualTokenCount => _model.Value.Config.VisualTokenCount;

    /// <summary>D: the width of a visual token.</summary>
    public int VisualTokenWidth => _model.Value.Config.VisualTokenWidth;

    /// <summary>Whether the model has a low-rank adapter beside its weights.</summary>
    public bool HasAdapter => _model.Value.Model.Language.Adapter is not null;

    internal MetaMorphSettings Settings => _settings;

    internal ResponseModel Model => _model.Value;

    /// <summary>This transformer's hold on the model.</summary>
    internal Lease<ResponseModel> Hold => _model;

    internal override IReadOnlyList<string> InputColumns
        => [_settings.PromptColumnName, .. _settings.VisualTokensColumnName is { } tokens ? [tokens] : Array.Empty<string>()];

    /// <summary>The same model with other options of generation; the weights are shared.</summary>
    /// <param name="generation">How responses are made.</param>
    /// <param name="batchSize">Rows that are answered at a time; null for as many as before.</param>
    /// <returns>A transformer of its own, to be disposed on its own.</returns>
    public MetaMorphTransformer WithGeneration(GenerationOptions generation, int? batchSize = null)
    {
        ArgumentNullException.ThrowIfNull(generation);
        if (batchSize is { } rows) BatchSizes.Require(rows, nameof(batchSize));
        return new MetaMorphTransformer(_host, _settings with { Generation = generation.Clone(), BatchSize = batchSize ?? BatchSize }, _model.Share());
    }

    /// <summary>Answers conversations one by one, streamed or whole, with cancellation; the weights are shared.</summary>
    /// <returns>A responder of its own, to be disposed on its own.</returns>
    public MetaMorphResponder CreateResponder() => new(_host, _settings, _model.Share());

    /// <summary>The same model with a low-rank adapter (LoRA) that PEFT or <see cref="SaveAdapter"/> wrote; the weights are shared.</summary>
    /// <remarks>
    /// Its answers are computed by TorchSharp, base and change one after the other; <see cref="MergeAdapter"/> makes one product of them, which the
    /// vectorized engine can compute too.
    /// </remarks>
    /// <param name="folder">A folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</param>
    /// <returns>A transformer of its own, to be disposed on its own.</returns>
    /// <exception cref="InvalidDataException">A file is broken, or the adapter was trained for another base model; tensor and both shapes are named.</exception>
    /// <exception cref="NotSupportedException">The adapter is of a kind that is not supported; the entry of its configuration is named.</exception>
    /// <exception cref="InvalidOperationException">The model has an adapter already.</exception>
    public MetaMorphTransformer LoadAdapter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return new MetaMorphTransformer(_host, _settings, new Lease<ResponseModel>(ResponseAdapter.Load(_model, folder)));
    }

    /// <summary>Writes the low-rank adapter as PEFT does: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, without the weights of the base model.</summary>
    /// <param name="folder">The folder; it is made where it does not exist, and files of the same names are replaced.</param>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public void SaveAdapter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ResponseAdapter.Save(_model.Value, folder);
    }

    /// <summary>The same model with the change of its low-rank adapter added to its weights, which are then as fast as those of a model without one.</summary>
    /// <returns>A transformer of its own, to be disposed on its own. This one keeps base and adapter apart.</returns>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public MetaMorphTransformer MergeAdapter() => new(_host, _settings, new Lease<ResponseModel>(ResponseAdapter.Merge(_model)));

    /// <summary>Writes a folder in Hugging Face layout: <c>config.json</c>, <c>model*.safetensors</c> under the published names, and the tokenizer's files. The change of a low-rank adapter is added to the weights.</summary>
    /// <param name="folder">The folder; it is made where it does not exist, and files of the same names are replaced.</param>
    /// <param name="bfloat16">Whether weights are written in bfloat16, half the size; false keeps their element type.</param>
    public void SaveAsPretrained(string folder, bool bfloat16 = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ResponseModelFolder.Save(_model.Value, folder, bfloat16 ? TorchSharp.torch.ScalarType.BFloat16 : null);
    }

    internal static MetaMorphTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        MetaMorphSettings settings = SettingsJson.Read<MetaMorphSettings>(zip);
        ResponseModel model = ResponseModelFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, ComputeDevice.Choose(environment), settings.Precision);
        var transformer = new MetaMorphTransformer(environment, settings, new Lease<ResponseModel>(model));
        transformer.TellPrecision(environment);
        return transformer;
    }

    /// <summary>Tells the log in which element type the model computes.</summary>
    internal void TellPrecision(IHostEnvironment environment) => PrecisionLog.Tell(environment, "Language model", _model.Value.Choice);

    /// <summary>The columns that settings ask for, in the order of <see cref="ResponseOutput"/>.</summary>
    internal static (ResponseOutput Output, DataViewSchema.DetachedColumn Column)[] Outputs(MetaMorphSettings settings, int count, int width)
    {
        var outputs = new List<(ResponseOutput, DataViewSchema.DetachedColumn)> { (ResponseOutput.Text, new(settings.OutputColumnName, TextDataViewType.Instance)) };
        if (settings.OutputVisualTokensColumnName is { } tokens) outputs.Add((ResponseOutput.VisualTokens, new(tokens, VisualTokensColumn.Type(count, width))));
        if (settings.ErrorColumnName is { } error) outputs.Add((ResponseOutput.Error, new(error, TextDataViewType.Instance)));
        if (settings.LogProbabilityColumnName is { } logs) outputs.Add((ResponseOutput.LogProbabilities, new(logs, new VectorDataViewType(NumberDataViewType.Single))));
        return [.. outputs];
    }

    /// <summary>Checks the columns of a shape.</summary>
    internal static void Require(SchemaShape shape, MetaMorphSettings settings)
    {
        TextColumn.Require(shape, settings.PromptColumnName, PromptRole);
        if (settings.VisualTokensColumnName is { } tokens) VisualTokensColumn.Require(shape, tokens, VisualTokensRole);
    }

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        MetaMorphConfig config = _model.Value.Config;
        TextColumn.Require(inputSchema, _settings.PromptColumnName, PromptRole);
        if (_settings.VisualTokensColumnName is { } tokens) VisualTokensColumn.Require(inputSchema, tokens, VisualTokensRole, config.VisualTokenCount, config.VisualTokenWidth);
        if (History(inputSchema) is { } history)
        {
            TextColumn.Require(inputSchema, history, ResponseRole);
            if (_settings.ResponseVisualTokensColumnName is { } earlier) VisualTokensColumn.Require(inputSchema, earlier, ResponseVisualTokensRole, config.VisualTokenCount, config.VisualTokenWidth);
        }

        return [.. Outputs(_settings, config.VisualTokenCount, config.VisualTokenWidth).Select(output => output.Column)];
    }

    internal override IEnumerable<string> OptionalInputColumns(DataViewSchema inputSchema)
    {
        string? history = History(inputSchema);
        return [.. history is null ? Array.Empty<string>() : [history], .. ConversationPictures.Columns(inputSchema, _settings, responses: history is not null)];
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
    {
        MetaMorphConfig config = _model.Value.Config;
        ResponseOutput[] outputs = [.. Outputs(_settings, config.VisualTokenCount, config.VisualTokenWidth).Select(output => output.Output)];
        return new MetaMorphBatch(_host, _settings, outputs, _model.Share(), input, History(input.Schema), capacity);
    }

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        SettingsJson.Write(zip, _settings with { ComputedIn = _model.Value.Choice.ToString() });
        ResponseModelFolder.Save(_model.Value, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _model.Dispose();
    }

    // Earlier answers matter only where a prompt can have several turns.
    private string? History(DataViewSchema schema)
        => _settings.ResponseColumnName is { } name && schema.GetColumnOrNull(_settings.PromptColumnName)?.Type is VectorDataViewType && schema.GetColumnOrNull(name) is not null ? name : null;
}

/// <summary>What a response gives to the columns.</summary>
internal enum ResponseOutput
{
    Text,
    VisualTokens,
    Error,
    LogProbabilities,
}
