namespace Microsoft.ML.MetaMorph;

/// <summary>The first prompts of the validation rows, which a training answers at each evaluation, so that people see what it has learned.</summary>
/// <remarks>The model is read and not changed: the weights that are learned are the same, bit for bit, with answers and without.</remarks>
internal sealed class SampleAnswers
{
    private readonly MetaMorphModel _model;
    private readonly ConversationText _text;
    private readonly GenerationOptions _options;
    private readonly List<(long Row, string Prompt, string Expected, GenerationRequest Request)> _samples = [];

    /// <param name="data">The validation rows.</param>
    /// <param name="settings">Columns, and how answers are made.</param>
    /// <param name="start">The model, and its text side.</param>
    /// <param name="count">How many rows are answered; fewer where there are not so many.</param>
    /// <param name="seed">Of answers that are drawn, where the options have none.</param>
    /// <param name="skipBadRows">Whether a row that cannot be read is passed over, or throws.</param>
    public SampleAnswers(IDataView data, MetaMorphSettings settings, TrainableModel start, int count, int seed, bool skipBadRows)
    {
        (_model, _text, _options) = (start.Model, start.Text, settings.Generation.Clone());
        _options.Seed ??= seed;
        // The other engine copies weights, which have changed by the next time.
        _options.Engine = DecodingEngine.Torch;
        string[] names = [settings.PromptColumnName, settings.ResponseColumnName!, .. ConversationPictures.Columns(data.Schema, settings, responses: true)];
        using DataViewRowCursor cursor = data.GetRowCursor(names.Select(name => data.Schema[name]));
        (var prompt, var response) = (new TextColumn(cursor, names[0]), new TextColumn(cursor, names[1]));
        var pictures = new ConversationPictures(cursor, settings, _model.Config, responses: true);
        while (_samples.Count < count && RowErrors.MoveNext(cursor))
        {
            try
            {
                string[] prompts = prompt.Read(cursor.Position), responses = response.Read(cursor.Position);
                ConversationRow row = ConversationRow.ForPrompt(settings, cursor.Position, prompts, responses);
                _samples.Add((cursor.Position, prompts[^1], responses.Length < prompts.Length ? "" : responses[prompts.Length - 1], Request(row, pictures.Read(row, exactly: false))));
            }
            catch (Exception failure) when (skipBadRows && RowErrors.IsOfRow(failure))
            {
                // It is passed over, and told, by the evaluation too.
                continue;
            }
        }
    }

    /// <summary>Answers with the present weights.</summary>
    /// <param name="step">The step behind which they are.</param>
    public IReadOnlyList<SampleAnswer> At(long step)
    {
        if (_samples.Count == 0) return [];
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var mode = TorchSharp.torch.no_grad();
        int?[] ends = [_text.EndOfAnswer, _text.Tokenizer.EndOfSequenceId];
        using var generator = new ResponseGenerator(_model, _options, _text.NewStream, _model.Config.Language.EosTokenIds.Concat(ends.OfType<int>()).Distinct());
        IReadOnlyList<GeneratedResponse> answers = generator.Generate([.. _samples.Select(sample => sample.Request)]);
        return [.. _samples.Zip(answers, (sample, answer) => new SampleAnswer(step, sample.Row, sample.Prompt, sample.Expected, answer.Text, answer.ImageCount, answer.FinishReason))];
    }

    private GenerationRequest Request(ConversationRow row, float[] pictures)
    {
        TokenSequence sequence = _text.Encoder.EncodePrompt(row.Conversation);
        int length = _model.Config.VisualTokenCount * _model.Config.VisualTokenWidth;
        float[] tokens = [.. sequence.ImageOrder.Take(sequence.ImageCount).SelectMany(picture => pictures.AsSpan(picture * length, length).ToArray())];
        return new GenerationRequest(sequence.Ids, tokens);
    }
}

/// <summary>A line of <see cref="RunFolder.AnswersFile"/>.</summary>
/// <param name="Step">The step behind which it was made.</param>
/// <param name="Row">The number of the validation row.</param>
/// <param name="Prompt">Its last prompt.</param>
/// <param name="Expected">What the row itself answers.</param>
/// <param name="Answer">What the model answered.</param>
/// <param name="Images">Pictures in the answer.</param>
/// <param name="Finish">Why it ended.</param>
internal sealed record SampleAnswer(long Step, long Row, string Prompt, string Expected, string Answer, int Images, ResponseFinishReason Finish);
