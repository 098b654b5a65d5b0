namespace Microsoft.ML.MetaMorph;

/// <summary>Where an endless stream of rows goes on, so that a training can be resumed without computing what it has seen.</summary>
/// <param name="Epoch">Whole passes over the rows before it.</param>
/// <param name="Row">Rows of the pass before the row at which it goes on, in the pass's own order.</param>
/// <param name="Picture">Pictures of that row that were taken already.</param>
internal readonly record struct StreamPlace(int Epoch, long Row, int Picture = 0)
{
    /// <summary>Refuses rows that end before this place.</summary>
    /// <param name="rows">Rows of the pass.</param>
    /// <exception cref="InvalidDataException">They do; both numbers are named.</exception>
    public void RequireRows(long rows)
    {
        if (rows < Row || (rows == Row && Picture > 0))
            throw new InvalidDataException($"The training goes on behind row {Row} of the pass {Epoch + 1} over the rows, but there are only {rows} rows. Fit on the rows with which it was begun, or give another CheckpointFolder.");
    }
}
