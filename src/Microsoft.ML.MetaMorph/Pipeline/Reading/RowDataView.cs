using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The rows of a source as a data view: read anew in every pass, one at a time, or through a buffer where they are shuffled. A row is known by
/// its place in the source, counted from 0 with those that were skipped.
/// </summary>
internal sealed class RowDataView : IDataView
{
    // Further skipped rows are counted in the log, and listed in the report.
    private const int SkippedInLog = 10;

    private readonly IHostEnvironment _environment;
    private readonly RowSource _source;

    public RowDataView(IHostEnvironment environment, RowSource source, RowViewSettings settings)
    {
        _environment = environment;
        _source = source;
        Settings = settings;
        Schema = MakeSchema(settings);
    }

    public RowViewSettings Settings { get; }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => Settings.ShuffleBuffer > 1;

    /// <summary>Where rows may be skipped, nobody knows how many remain.</summary>
    public long? GetRowCount() => Settings.SkipBadRows ? null : _source.Count;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        var active = new bool[Schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded) active[column.Index] = true;
        return new RowCursor(this, active, Rows(rand));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private static DataViewSchema MakeSchema(RowViewSettings settings)
    {
        var texts = new VectorDataViewType(TextDataViewType.Instance);
        var builder = new DataViewSchema.Builder();
        DataViewType turns = settings.SeveralTurns ? texts : TextDataViewType.Instance;
        builder.AddColumn(settings.Prompt, turns);
        builder.AddColumn(settings.Response, turns);
        DataViewType picture = settings.AsPaths ? texts : new VectorDataViewType(NumberDataViewType.Byte);
        foreach (string name in settings.Images) builder.AddColumn(name, picture);
        return builder.ToSchema();
    }

    private IEnumerable<PlacedRow> Rows(Random? random)
    {
        if (random is null && Settings.ShuffleSeed is { } seed) random = new Random(seed);
        return random is null ? Usable() : BoundedShuffle.Shuffle(Usable(), Settings.ShuffleBuffer, random);
    }

    /// <summary>The rows that can be used, in the order of the source.</summary>
    private IEnumerable<PlacedRow> Usable()
    {
        using IChannel channel = _environment.Start("ReadRows");
        long number = 0, skipped = 0;
        foreach (RowReading found in _source.Read())
        {
            RowReading reading = found.Row is { } row ? RowReading.Make(found.Place, () => Settings.Fit(row)) : found;
            if (reading.Row is not null) yield return new PlacedRow(number, reading.Place, reading.Row);
            else if (Skip(channel, number, new SkippedRow(reading.Place, reading.Problem!))) skipped++;
            number++;
        }

        if (skipped > SkippedInLog) channel.Warning(MessageSensitivity.None, "{0} of {1} rows were skipped; all are listed in {2}.{3}.", skipped, number, nameof(RowViewOptions), nameof(RowViewOptions.Skipped));
    }

    /// <summary>Skips a row that cannot be used; true where it is listed for the first time.</summary>
    /// <exception cref="InvalidDataException">Rows are not to be skipped.</exception>
    private bool Skip(IChannel channel, long number, SkippedRow row)
    {
        // The number first, as all errors of rows have it: ML.NET's caches hide what they catch, and such a message is found again.
        if (!Settings.SkipBadRows) throw new InvalidDataException(FormattableString.Invariant($"Row {number}, {row} Or set {nameof(RowViewOptions)}.{nameof(RowViewOptions.SkipBadRows)} to skip such rows and list them."));
        if (!Settings.Skipped.Add(row)) return false;
        // A brace in a text of the data would be taken for a place in a format.
        if (Settings.Skipped.Count <= SkippedInLog) channel.Warning(MessageSensitivity.UserData, "Skipped {0}", row);
        return true;
    }
}

/// <summary>A row, its number and its place.</summary>
/// <param name="Number">Counted from 0, with the rows that were skipped.</param>
/// <param name="Place">Where it stands.</param>
/// <param name="Row">The row.</param>
internal readonly record struct PlacedRow(long Number, RowPlace Place, InstructionRow Row);
