namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Reads all rows before a training and tells what it would stumble over: rows that cannot be read, pictures that cannot be decoded, rows that are
/// too long, rows that are there twice; and adds up rows, pictures, tokens, kinds and lengths. Nothing is changed.
/// </summary>
public sealed class MetaMorphDataValidator
{
    private readonly DataValidationOptions _options;
    private readonly ConversationEncoder? _encoder;

    /// <summary>Makes a validator.</summary>
    /// <param name="options">What it looks at; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidDataException">The tokenizer has no chat template, or one that is not well formed.</exception>
    public MetaMorphDataValidator(DataValidationOptions? options = null)
    {
        _options = options ?? new DataValidationOptions();
        _options.Validate();
        if (_options.Tokenizer is { } tokenizer) _encoder = MakeEncoder(tokenizer);
    }

    /// <summary>Reads all rows.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public DataReport Validate(RowSource source, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var totals = new DataTotals(_options.MaximumFindings);
        var seen = new Dictionary<UInt128, RowPlace>();
        using var fingerprint = new RowFingerprint();
        foreach (RowReading reading in source.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (reading.Row is { } row) Look(reading.Place, row, fingerprint, seen, totals);
            else totals.Add(new DataFinding(DataFindingSeverity.Error, DataFindingKind.Row, reading.Place, reading.Problem!));
        }

        return totals.ToReport(tokens: _encoder is not null);
    }

    private static ConversationEncoder MakeEncoder(LanguageTokenizer tokenizer)
    {
        LanguageTokenizer whole = tokenizer.WithSpecialTokens(ImageMarks.Start, ImageMarks.End);
        try
        {
            ChatTemplate template = whole.ReadChatTemplate();
            return new ConversationEncoder(whole, (messages, addGenerationPrompt) => template.Render(messages, addGenerationPrompt));
        }
        catch (ChatTemplateException failure)
        {
            throw new InvalidDataException(failure.Message, failure);
        }
    }

    /// <summary>Looks at a row that could be read. The first error is told; a row with one is not counted as one that can be used.</summary>
    private void Look(RowPlace place, InstructionRow row, RowFingerprint fingerprint, Dictionary<UInt128, RowPlace> seen, DataTotals totals)
    {
        DataFinding? error = Pictures(place, row, fingerprint);
        UInt128 print = Finish(row, fingerprint);
        RowLength length = default;
        if (error is null) length = Measure(place, row, out error);
        if (error is not null)
        {
            totals.Add(error);
            return;
        }

        totals.Add(place, row, length);
        if (_encoder is not null && length.Total > _options.MaximumLength)
            totals.Add(new DataFinding(DataFindingSeverity.Warning, DataFindingKind.Length, place, FormattableString.Invariant($"the row has {length.Total} positions, more than {nameof(DataValidationOptions.MaximumLength)} = {_options.MaximumLength}, so training will cut it. Shorten it, or raise the length.")));
        if (_options.FindDuplicates && !seen.TryAdd(print, place))
            totals.Add(new DataFinding(DataFindingSeverity.Warning, DataFindingKind.Duplicate, place, $"the row has the same texts and pictures as {seen[print]}. Take one of them out, or leave both if that is meant."));
    }

    private DataFinding? Pictures(RowPlace place, InstructionRow row, RowFingerprint fingerprint)
    {
        DataFinding? error = null;
        for (int i = 0; i < row.Images.Count; i++)
        {
            RowImage image = row.Images[i];
            if (!_options.DecodeImages)
            {
                fingerprint.Add(image.Name);
                continue;
            }

            try
            {
                byte[] bytes = image.ReadBytes();
                fingerprint.Add(bytes);
                ImageDecoder.Decode(bytes, image.Name);
            }
            catch (Exception failure) when (failure is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                error ??= new DataFinding(DataFindingSeverity.Error, DataFindingKind.Picture, place, FormattableString.Invariant($"picture {i + 1} of {row.Images.Count} cannot be read: {failure.Message}"));
            }
        }

        return error;
    }

    private static UInt128 Finish(InstructionRow row, RowFingerprint fingerprint)
    {
        fingerprint.Add(row.System ?? "");
        for (int turn = 0; turn < row.Prompts.Count; turn++)
        {
            fingerprint.Add(row.Prompts[turn]);
            fingerprint.Add(row.Responses[turn]);
        }

        return fingerprint.Take();
    }

    private Conversation ToConversation(InstructionRow row)
    {
        var messages = new List<ConversationMessage>();
        if ((row.System ?? _options.SystemMessage) is { Length: > 0 } system) messages.Add(ConversationMessage.System(system));
        for (int turn = 0; turn < row.Prompts.Count; turn++)
        {
            messages.Add(ConversationMessage.User(row.Prompts[turn]));
            messages.Add(ConversationMessage.Assistant(row.Responses[turn]));
        }

        return new Conversation(messages, row.Images.Count, "") { Name = "the row" };
    }

    private RowLength Measure(RowPlace place, InstructionRow row, out DataFinding? error)
    {
        error = null;
        if (_encoder is null) return new RowLength(row.Prompts.Concat(row.Responses).Sum(text => (long)text.Length), 0, 0);
        try
        {
            TokenSequence sequence = _encoder.Encode(ToConversation(row));
            return new RowLength(sequence.ExpandedLength(_options.TokensPerImage), sequence.Ids.Length - sequence.ImageCount, sequence.SupervisedTokens);
        }
        catch (Exception failure) when (failure is InvalidDataException or ArgumentException)
        {
            error = new DataFinding(DataFindingSeverity.Error, DataFindingKind.Encoding, place, failure.Message);
            return default;
        }
    }
}
