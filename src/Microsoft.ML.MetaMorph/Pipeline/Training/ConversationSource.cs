namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of a data view as training rows: read and encoded anew each epoch, so that memory does not grow with the data.</summary>
internal sealed class ConversationSource : TrainingSource
{
    private readonly IDataView _data;
    private readonly MetaMorphSettings _settings;
    private readonly ConversationEncoder _encoder;
    private readonly MetaMorphConfig _config;
    private readonly int _maximumLength;
    private readonly bool _skipBadRows;
    private readonly Action<string> _warn;
    private readonly Lazy<long> _count;
    private bool _mayTeachNothing;
    private bool _reported;
    private bool _interrupted;
    private RowReport _last = new();
    private long _rows;
    private long _learned;

    /// <param name="data">The rows.</param>
    /// <param name="settings">The columns' names.</param>
    /// <param name="encoder">Makes ids and labels.</param>
    /// <param name="config">The sizes of the visual tokens.</param>
    /// <param name="maximumLength">Longer rows are cut, never inside a picture.</param>
    /// <param name="skipBadRows">Whether a row that cannot be learned is passed over (and told), or throws.</param>
    /// <param name="warn">Told what was cut or passed over in the first epoch.</param>
    /// <param name="count">The number of rows, where they were counted before; null: they are when it is asked for.</param>
    public ConversationSource(IDataView data, MetaMorphSettings settings, ConversationEncoder encoder, MetaMorphConfig config, int maximumLength, bool skipBadRows, Action<string> warn, long? count = null)
    {
        _data = data;
        _settings = settings;
        _encoder = encoder;
        _config = config;
        _maximumLength = maximumLength;
        _skipBadRows = skipBadRows;
        _warn = warn;
        _count = new Lazy<long>(() => count ?? ConversationLengths.Count(data));
    }

    public override long? Count => _count.Value;

    /// <summary>One epoch. Truncated and skipped rows are counted and told once, at the end of the first.</summary>
    /// <remarks>Of rows that are passed over nothing is read: no text, and no picture is encoded.</remarks>
    public override IEnumerable<TrainingRow> Rows(int? seed, StreamPlace from = default)
    {
        // The last row before the place is read, to see whether it is still the same.
        long passed = from.Row - 1;
        if (seed is not { } value) return From(Read(null, place => place < passed), from);
        if (_data.CanShuffle) return From(Read(new Random(value), place => place < passed), from);
        HashSet<long> first = passed > 0 ? ShufflePool.First(_count.Value, value, passed) : [];
        return From(ShufflePool.Shuffle(Read(null, first.Contains), new Random(value)), from);
    }

    /// <summary>
    /// Refuses rows of which nothing is left to learn. A row alone may be cut before its response; that all are shows only at the end of a pass,
    /// or of a training that ends before it.
    /// </summary>
    /// <exception cref="InvalidDataException">No row so far had a word to learn; the numbers of rows and of positions are named.</exception>
    public override void RequireSomethingToLearn()
    {
        // Rows of a pass that was interrupted may have taught something before.
        if (!_interrupted && !_mayTeachNothing && _rows > 0 && _learned == 0)
            throw new InvalidDataException($"None of {_rows} rows has anything to learn: no word of a response lies within the first {_maximumLength} positions, behind which rows are cut. Raise {nameof(VisualPredictiveInstructionTuningTrainer.Options.MaximumLength)} (the model's max_position_embeddings is the most), or shorten prompts and system message.");
    }

    /// <inheritdoc/>
    public override Exception NoRows(int epoch) => _last.FirstSkipped is { } reason
        ? new InvalidDataException(FormattableString.Invariant($"Epoch {epoch} has no rows to train on: all {_last.SkippedCount} were passed over ({nameof(VisualPredictiveInstructionTuningTrainer.Options.SkipBadRows)}). The first of them: {reason}"))
        : base.NoRows(epoch);

    /// <summary>Rows of which nothing is left to learn are no error: they are evaluated only, and a finished training is not to be lost by them.</summary>
    public void MayTeachNothing() => _mayTeachNothing = true;

    /// <summary>The rows of a pass behind a place.</summary>
    private IEnumerable<TrainingRow> From(IEnumerable<ReadRow> rows, StreamPlace from)
    {
        _interrupted = !from.IsBeginning;
        long place = 0;
        foreach (ReadRow read in rows)
        {
            if (++place < from.Row) continue;
            if (place == from.Row) from.RequireSame(read.Row?.Mark);
            else if (read.IsPassedOver) throw new InvalidOperationException($"Row {place - 1} of the pass was passed over, but it was not given out before. The data view tells {_count.Value} rows; it must have as many.");
            else if (read.Row is { } row) yield return row with { Place = place - 1 };
        }

        from.RequireRows(place);
    }

    /// <param name="random">Decides the order; null: the data's own.</param>
    /// <param name="passOver">Told the place of each row as it comes: whether nothing of it is read.</param>
    private IEnumerable<ReadRow> Read(Random? random, Func<long, bool> passOver)
    {
        string[] names = [_settings.PromptColumnName, _settings.ResponseColumnName!, .. ConversationPictures.Columns(_data.Schema, _settings, responses: true)];
        using DataViewRowCursor cursor = _data.GetRowCursor(names.Select(name => _data.Schema[name]), random);
        var prompt = new TextColumn(cursor, names[0]);
        var response = new TextColumn(cursor, names[1]);
        var pictures = new ConversationPictures(cursor, _settings, _config, responses: true);
        var number = new RowNumber(cursor, shuffled: random is not null);
        RowReport report = _last = new RowReport();
        for (long place = 0; RowErrors.MoveNext(cursor); place++)
        {
            if (passOver(place)) yield return new ReadRow(null, IsPassedOver: true);
            else yield return new ReadRow(Encode(number.Current, prompt, response, pictures, report));
        }

        if (!_reported) report.Tell(_warn, _maximumLength);
        _reported = true;
        RequireSomethingToLearn();
    }

    private TrainingRow? Encode(long number, TextColumn prompt, TextColumn response, ConversationPictures tokens, RowReport report)
    {
        try
        {
            ConversationRow row = ConversationRow.ForTraining(_settings, number, prompt.Read(number), response.Read(number));
            float[] pictures = tokens.Read(row, exactly: true);
            TokenSequence sequence = _encoder.Encode(row.Conversation, _maximumLength, _config.VisualTokenCount, out SequenceTruncation truncation);
            report.Count(truncation);
            _rows++;
            if (sequence.SupervisedTokens > 0) _learned++;
            return new TrainingRow(sequence, pictures, number);
        }
        catch (Exception failure) when (_skipBadRows && RowErrors.IsOfRow(failure))
        {
            report.Skip(RowErrors.Named(failure, number, RowErrors.Columns(_settings.PromptColumnName, _settings.ResponseColumnName)).Message);
            return null;
        }
    }

    /// <summary>What became of a row.</summary>
    /// <param name="Row">Null where it was passed over, or cannot be learned.</param>
    /// <param name="IsPassedOver">Whether it was not read, because an earlier run learned it.</param>
    private readonly record struct ReadRow(TrainingRow? Row, bool IsPassedOver = false);

    /// <summary>What happened to the rows of an epoch.</summary>
    private sealed class RowReport
    {
        private const int Shown = 10;

        private readonly List<string> _skipped = [];
        private long _truncatedCount;
        private long _droppedPictures;

        public long SkippedCount { get; private set; }

        /// <summary>Why; null where none was skipped.</summary>
        public string? FirstSkipped => _skipped.FirstOrDefault();

        public void Count(SequenceTruncation truncation)
        {
            if (!truncation.IsTruncated) return;
            _truncatedCount++;
            _droppedPictures += truncation.Images;
        }

        public void Skip(string reason)
        {
            SkippedCount++;
            if (_skipped.Count < Shown) _skipped.Add(reason);
        }

        public void Tell(Action<string> warn, int maximumLength)
        {
            if (_truncatedCount > 0) warn($"{_truncatedCount} rows were longer than {maximumLength} positions and were cut; {_droppedPictures} pictures were dropped whole.");
            if (SkippedCount > 0) warn($"{SkippedCount} rows were passed over: {string.Join(" | ", _skipped)}{(SkippedCount > Shown ? " | …" : "")}");
        }
    }
}
