namespace Microsoft.ML.MetaMorph;

/// <summary>What a <see cref="RowSource"/> found at one place: a row, or a reason why there is none.</summary>
public readonly record struct RowReading
{
    private RowReading(RowPlace place, InstructionRow? row, string? problem)
    {
        Place = place;
        Row = row;
        Problem = problem;
    }

    /// <summary>Where it stands.</summary>
    public RowPlace Place { get; }

    /// <summary>The row; null where it cannot be used.</summary>
    public InstructionRow? Row { get; }

    /// <summary>Why the row cannot be used, and what to do; null where it can. The place is not named in it.</summary>
    public string? Problem { get; }

    /// <summary>A row.</summary>
    /// <param name="place">Where it stands.</param>
    /// <param name="row">The row.</param>
    /// <returns>The reading.</returns>
    public static RowReading Of(RowPlace place, InstructionRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return new RowReading(place, row, null);
    }

    /// <summary>A place where no row could be read.</summary>
    /// <param name="place">The place.</param>
    /// <param name="problem">What is wrong, and what to do, as one sentence goes on behind the place and a colon.</param>
    /// <returns>The reading.</returns>
    public static RowReading Failed(RowPlace place, string problem)
    {
        ArgumentException.ThrowIfNullOrEmpty(problem);
        return new RowReading(place, null, problem);
    }

    /// <summary>Makes a row; an <see cref="InvalidDataException"/> in the making becomes the problem of the place.</summary>
    /// <param name="place">Where it stands.</param>
    /// <param name="make">Makes it.</param>
    /// <returns>The reading.</returns>
    public static RowReading Make(RowPlace place, Func<InstructionRow> make)
    {
        ArgumentNullException.ThrowIfNull(make);
        try
        {
            return Of(place, make());
        }
        catch (InvalidDataException failure)
        {
            return Failed(place, failure.Message);
        }
    }
}
