namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Rows of training data out of files of some format. A source reads in the order of its files and knows nothing of shuffling; every call of
/// <see cref="Read"/> begins anew and gives the same rows in the same order, and several may run at a time.
/// </summary>
public abstract class RowSource
{
    /// <summary>How many places <see cref="Read"/> gives, rows and problems together; null where that is not known without reading.</summary>
    public virtual long? Count => null;

    /// <summary>Whether every picture is a file of its own and has a <see cref="RowImage.Path"/>; false where some lie inside other files.</summary>
    public virtual bool ImagesAreFiles => false;

    /// <summary>Reads one row at a time; nothing but the row in hand is kept in memory.</summary>
    /// <returns>
    /// One reading for each place. A row that cannot be used is a reading with a <see cref="RowReading.Problem"/>, behind which the source reads on;
    /// where it cannot (a broken file), it says so there and goes on with the next file. What is wrong with the source as a whole throws.
    /// </returns>
    public abstract IEnumerable<RowReading> Read();
}
