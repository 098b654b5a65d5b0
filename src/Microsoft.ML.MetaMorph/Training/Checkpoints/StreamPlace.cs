namespace Microsoft.ML.MetaMorph;

/// <summary>Where an endless stream of rows goes on, so that a training can be resumed without computing what it has seen.</summary>
/// <param name="Epoch">Whole passes over the rows before it.</param>
/// <param name="Row">Rows of the pass before the row of which the last picture was taken, in the pass's own order; where rows are taken whole: all rows that were taken.</param>
/// <param name="Picture">Pictures of that row that were taken; 0 at the beginning of a pass, and where rows are taken whole.</param>
/// <param name="Mark">A checksum of the last picture, or row, that was taken, by which rows that changed are noticed.</param>
internal readonly record struct StreamPlace(int Epoch, long Row, int Picture = 0, uint Mark = 0)
{
    private const string Advice = "A training goes on with the rows with which it was begun, in the same order: give the MLContext a seed where rows are split or shuffled, or give another CheckpointFolder.";

    /// <summary>Whether a pass begins here.</summary>
    public bool IsBeginning => Row == 0 && Picture == 0;

    /// <summary>Refuses rows that end before this place.</summary>
    /// <param name="rows">Rows of the pass.</param>
    /// <exception cref="InvalidDataException">They do; both numbers are named.</exception>
    public void RequireRows(long rows)
    {
        if (rows < Row || (rows == Row && Picture > 0))
            throw new InvalidDataException($"The training was interrupted at row {Row} of pass {Epoch + 1} over the rows, but there are only {rows} rows. {Advice}");
    }

    /// <summary>Refuses a row at this place that has another last picture, or is another.</summary>
    /// <param name="mark">The checksum of that picture, or row; null where there is none.</param>
    /// <exception cref="InvalidDataException">It is another.</exception>
    public void RequireSame(uint? mark)
    {
        if (mark == Mark) return;
        throw new InvalidDataException(Picture > 0
            ? $"The training was interrupted at row {Row} of pass {Epoch + 1} over the rows, but picture {Picture} of that row is another one now. {Advice}"
            : $"The training was interrupted behind {Row} rows of pass {Epoch + 1} over the rows, but the last of them is another one now. {Advice}");
    }
}
