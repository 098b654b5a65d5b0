using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The prompts of a batch of rows and their responses. A row that cannot be answered says so in its error column, or throws when a value
/// of it is asked for; the others have their answers.
/// </summary>
internal sealed class MetaMorphBatch : IRowBatch
{
    private readonly IHost _host;
    private readonly MetaMorphSettings _settings;
    private readonly ResponseOutput[] _outputs;
    private readonly Lease<ResponseModel> _model;
    private readonly DataViewRow _row;
    private readonly TextColumn _prompt;
    private readonly TextColumn? _history;
    private readonly ConversationPictures _pictures;
    private readonly string _tokenColumns;
    private readonly long[] _numbers;
    private readonly GenerationRequest?[] _requests;
    private readonly ExceptionDispatchInfo?[] _failures;
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
        _pictures = new ConversationPictures(row, settings, config, responses: history is not null);
        string?[] tokens = [settings.VisualTokensColumnName, history is null ? null : settings.ResponseVisualTokensColumnName];
        _tokenColumns = tokens.All(name => name is null) ? PromptColumn : RowErrors.Columns(tokens);
        _numbers = new long[capacity];
        _requests = new GenerationRequest?[capacity];
        _failures = new ExceptionDispatchInfo?[capacity];
        _responses = new GeneratedResponse?[capacity];
        _options = settings.Generation.Clone();
        _options.Seed ??= MLNetInternals.Settings(host).Seed;
        _options.LogProbabilities |= settings.LogProbabilityColumnName is not null;
    }

    private string PromptColumn => RowErrors.Columns(_settings.PromptColumnName);

    public void Read(int slot)
    {
        _numbers[slot] = _row.Position;
        _requests[slot] = null;
        _failures[slot] = null;
        try
        {
            _requests[slot] = Request(_row.Position);
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            Fail(slot, RowErrors.Named(failure, _row.Position, PromptColumn));
        }
    }

    public void Run(int count)
    {
        if (MLNetInternals.IsCanceled(_host)) throw new OperationCanceledException("The execution was cancelled through its MLContext.");
        List<int> answered = [.. Enumerable.Range(0, count).Where(slot => _requests[slot] is not null)];
        Array.Clear(_responses);
        if (answered.Count == 0) return;
        using IChannel channel = _host.Start("Generate");
        IReadOnlyList<GeneratedResponse> responses = Generate(answered, message => channel.Info(MessageSensitivity.None, message));
        for (int i = 0; i < answered.Count; i++) _responses[answered[i]] = responses[i];
    }

    public Delegate CreateGetter(int output, Func<int> slot) => _outputs[output] switch
    {
        ResponseOutput.Text => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = (Response(slot())?.Text ?? "").AsMemory()),
        ResponseOutput.Error => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = (_failures[slot()]?.SourceException.Message ?? "").AsMemory()),
        ResponseOutput.VisualTokens => Floats(slot, response => response.VisualTokens),
        _ => Floats(slot, response => response.LogProbabilities),
    };

    public void Dispose() => _model.Dispose();

    private ValueGetter<VBuffer<float>> Floats(Func<int> slot, Func<GeneratedResponse, float[]?> select) => (ref VBuffer<float> value) =>
    {
        ReadOnlySpan<float> values = Response(slot()) is { } response ? select(response) : null;
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, values.Length);
        values.CopyTo(editor.Values);
        value = editor.Commit();
    };

    // With an error column a row without an answer is an empty one.
    private GeneratedResponse? Response(int slot)
    {
        if (_settings.ErrorColumnName is null) _failures[slot]?.Throw();
        return _responses[slot];
    }

    /// <summary>Answers those slots; one whose request the model refuses is taken out of the list, and the others are answered without it.</summary>
    private IReadOnlyList<GeneratedResponse> Generate(List<int> slots, Action<string> log)
    {
        while (slots.Count > 0)
        {
            try
            {
                return _model.Value.Generate([.. slots.Select(slot => _requests[slot]!)], _options, log);
            }
            catch (GenerationRequestException failure)
            {
                int slot = slots[failure.Request];
                _requests[slot] = null;
                Fail(slot, RowErrors.At(_numbers[slot], failure.OfVisualTokens ? _tokenColumns : PromptColumn, $"the prompt {failure.Problem}", failure));
                slots.RemoveAt(failure.Request);
            }
        }

        return [];
    }

    private void Fail(int slot, Exception failure) => _failures[slot] = ExceptionDispatchInfo.Capture(failure);

    private GenerationRequest Request(long number)
    {
        ConversationRow row = ConversationRow.ForPrompt(_settings, number, _prompt.Read(number), _history?.Read(number));
        float[] pictures = _pictures.Read(row, exactly: false);
        ResponseModel model = _model.Value;
        int length = model.PictureLength;
        TokenSequence sequence = model.Text.Encoder.EncodePrompt(row.Conversation);
        var tokens = new float[sequence.ImageCount * length];
        for (int i = 0; i < sequence.ImageCount; i++) pictures.AsSpan(sequence.ImageOrder[i] * length, length).CopyTo(tokens.AsSpan(i * length));
        return new GenerationRequest(sequence.Ids, tokens);
    }
}
