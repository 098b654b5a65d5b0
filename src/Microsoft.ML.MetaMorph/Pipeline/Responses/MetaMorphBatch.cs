using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>The prompts of a batch of rows and their responses.</summary>
internal sealed class MetaMorphBatch : IRowBatch
{
    private readonly IHost _host;
    private readonly MetaMorphSettings _settings;
    private readonly ResponseOutput[] _outputs;
    private readonly Lease<ResponseModel> _model;
    private readonly DataViewRow _row;
    private readonly TextColumn _prompt;
    private readonly TextColumn? _history;
    private readonly VisualTokensColumn? _visualTokens;
    private readonly GenerationRequest?[] _requests;
    private readonly string[] _errors;
    private readonly GeneratedResponse?[] _responses;
    private readonly GenerationOptions _options;

    public MetaMorphBatch(IHost host, MetaMorphSettings settings, ResponseOutput[] outputs, Lease<ResponseModel> model, DataViewRow row, string? history, int capacity)
    {
        _host = host;
        _settings = settings;
        _outputs = outputs;
        _model = model;
        _row = row;
        MetaMorphConfig config = model.Value.Config;
        _prompt = new TextColumn(row, settings.PromptColumnName);
        _history = history is null ? null : new TextColumn(row, history);
        _visualTokens = settings.VisualTokensColumnName is { } tokens ? new VisualTokensColumn(row, tokens, config.VisualTokenCount, config.VisualTokenWidth) : null;
        _requests = new GenerationRequest?[capacity];
        _errors = new string[capacity];
        _responses = new GeneratedResponse?[capacity];
        _options = settings.Generation.Clone();
        _options.Seed ??= MLNetInternals.Settings(host).Seed;
        _options.LogProbabilities |= settings.LogProbabilityColumnName is not null;
    }

    public void Read(int slot)
    {
        _requests[slot] = null;
        _errors[slot] = "";
        try
        {
            _requests[slot] = Request();
        }
        catch (InvalidDataException failure) when (_settings.ErrorColumnName is not null)
        {
            _errors[slot] = failure.Message;
        }
    }

    public void Run(int count)
    {
        if (MLNetInternals.IsCanceled(_host)) throw new OperationCanceledException("The execution was cancelled through its MLContext.");
        int[] answered = [.. Enumerable.Range(0, count).Where(slot => _requests[slot] is not null)];
        Array.Clear(_responses);
        if (answered.Length == 0) return;
        using IChannel channel = _host.Start("Generate");
        IReadOnlyList<GeneratedResponse> responses = _model.Value.Generate([.. answered.Select(slot => _requests[slot]!)], _options, message => channel.Info(MessageSensitivity.None, message));
        for (int i = 0; i < answered.Length; i++) _responses[answered[i]] = responses[i];
    }

    public Delegate CreateGetter(int output, Func<int> slot) => _outputs[output] switch
    {
        ResponseOutput.Text => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = (_responses[slot()]?.Text ?? "").AsMemory()),
        ResponseOutput.Error => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = _errors[slot()].AsMemory()),
        ResponseOutput.VisualTokens => Floats(slot, response => response.VisualTokens),
        _ => Floats(slot, response => response.LogProbabilities),
    };

    public void Dispose() => _model.Dispose();

    private ValueGetter<VBuffer<float>> Floats(Func<int> slot, Func<GeneratedResponse, float[]?> select) => (ref VBuffer<float> value) =>
    {
        ReadOnlySpan<float> values = _responses[slot()] is { } response ? select(response) : null;
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, values.Length);
        values.CopyTo(editor.Values);
        value = editor.Commit();
    };

    private GenerationRequest Request()
    {
        ConversationRow row = ConversationRow.ForPrompt(_settings, _row.Position, _prompt.Read(), _history?.Read());
        float[] pictures = _visualTokens?.Read() ?? [];
        ResponseModel model = _model.Value;
        int length = model.PictureLength;
        row.RequirePictures(pictures.Length / length, exactly: false);
        TokenSequence sequence = model.Text.Encoder.EncodePrompt(row.Conversation);
        var tokens = new float[sequence.ImageCount * length];
        for (int i = 0; i < sequence.ImageCount; i++) pictures.AsSpan(sequence.ImageOrder[i] * length, length).CopyTo(tokens.AsSpan(i * length));
        return new GenerationRequest(sequence.Ids, tokens);
    }
}
