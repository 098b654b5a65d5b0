namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of a data view as training rows: read and encoded anew each epoch, so that memory does not grow with the data.</summary>
internal sealed class ConversationSource : TrainingSource
{
    // Rows from which the next is drawn where the data view cannot shuffle by itself.
    private const int ShufflePool = 1000;

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
    public ConversationSource(IDataView data, MetaMorphSettings settings, ConversationEncoder encoder, MetaMorphConfig config, int maximumLength, bool skipBadRows, Action<string> warn)
    {
        _data = data;
        _settings = settings;
        _encoder = encoder;
        _config = config;
        _maximumLength = maximumLength;
        _skipBadRows = skipBadRows;
        _warn = warn;
        _count = new Lazy<long>(() => data.GetRowCount() ?? CountRows(data));
    }

    public override long? Count => _count.Value;

    /// <summary>One epoch. Truncated and skipped rows are counted and told once, at the end of the first.</summary>
    public override IEnumerable<TrainingRow> Rows(int? seed)
    {
        if (seed is not { } value) return Read(null);
        var random = new Random(value);
        return _data.CanShuffle ? Read(random) : Shuffle(Read(null), random);
    }

    /// <summary>
    /// Refuses rows of which nothing is left to learn. A row alone may be cut before its response; that all are shows only at the end of a pass,
    /// or of a training that ends before it.
    /// </summary>
    /// <exception cref="InvalidDataException">No row so far had a word to learn; the numbers of rows and of positions are named.</exception>
    public void RequireSomethingToLearn()
    {
        if (_rows > 0 && _learned == 0)
            throw new InvalidDataException($"None of {_rows} rows has anything to learn: no word of a response lies within the first {_maximumLength} positions, behind which rows are cut. Raise {nameof(VisualPredictiveInstructionTuningTrainer.Options.MaximumLength)} (the model's max_position_embeddings is the most), or shorten prompts and system message.");
    }

    /// <inheritdoc/>
    public override Exception NoRows(int epoch) => _last.FirstSkipped is { } reason
        ? new InvalidDataException(FormattableString.Invariant($"Epoch {epoch} has no rows to train on: all {_last.SkippedCount} were passed over ({nameof(VisualPredictiveInstructionTuningTrainer.Options.SkipBadRows)}). The first of them: {reason}"))
        : base.NoRows(epoch);

    /// <summary>Rows of which nothing is left to learn are no error: they are evaluated only, and a finished training is not to be lost by them.</summary>
    public void MayTeachNothing() => _mayTeachNothing = true;

    private static long CountRows(IDataView data)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([]);
        long count = 0;
        while (RowErrors.MoveNext(cursor)) count++;
        return count;
    }

    private static IEnumerable<TrainingRow> Shuffle(IEnumerable<TrainingRow> rows, Random random)
    {
        var pool = new List<TrainingRow>(ShufflePool);
        foreach (TrainingRow row in rows)
        {
            if (pool.Count < ShufflePool)
            {
                pool.Add(row);
                continue;
            }

            int next = random.Next(pool.Count);
            yield return pool[next];
            pool[next] = row;
        }

        while (pool.Count > 0)
        {
            int next = random.Next(pool.Count);
            yield return pool[next];
            pool[next] = pool[^1];
            pool.RemoveAt(pool.Count - 1);
        }
    }

    private IEnumerable<TrainingRow> Read(Random? random)
    {
        string[] names = [_settings.PromptColumnName, _settings.ResponseColumnName!, .. ConversationPictures.Columns(_data.Schema, _settings, responses: true)];
        using DataViewRowCursor cursor = _data.GetRowCursor(names.Select(name => _data.Schema[name]), random);
        var prompt = new TextColumn(cursor, names[0]);
        var response = new TextColumn(cursor, names[1]);
        var pictures = new ConversationPictures(cursor, _settings, _config, responses: true);
        var number = new RowNumber(cursor, shuffled: random is not null);
        RowReport report = _last = new RowReport();
        while (RowErrors.MoveNext(cursor))
        {
            if (Encode(number.Current, prompt, response, pictures, report) is { } row) yield return row;
        }

        if (!_reported) report.Tell(_warn, _maximumLength);
        _reported = true;
        if (!_mayTeachNothing) RequireSomethingToLearn();
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
