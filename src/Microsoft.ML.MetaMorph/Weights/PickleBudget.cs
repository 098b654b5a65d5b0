namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What constructors may copy. A few bytes of a pickle can name a list that stands in its memo and ask for a copy of it, again and again;
/// a checkpoint copies what it has just written, once.
/// </summary>
/// <param name="position">How many bytes have been read.</param>
/// <param name="location">The file, for messages.</param>
internal sealed class PickleBudget(Func<long> position, string location)
{
    /// <summary>An entry takes at least one byte of the file; twice that leaves room for sizes that several tensors share.</summary>
    private const long EntriesPerByte = 2;

    private const long Spare = 4096;

    private long _copied;

    /// <summary>Counts entries (of eight bytes) before they are copied.</summary>
    public void Copy(long entries)
    {
        _copied += entries;
        long allowed = EntriesPerByte * position() + Spare;
        if (_copied > allowed)
            throw new InvalidDataException($"'{location}': refused: the pickle makes copies of {_copied} entries of its lists, tuples and texts before position {position()}, where {allowed} are allowed; a checkpoint needs no more. Nothing was executed. If you trust the file, load it in Python and save it again.");
    }
}
