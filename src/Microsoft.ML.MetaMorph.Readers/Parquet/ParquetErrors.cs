namespace Microsoft.ML.MetaMorph;

/// <summary>What a broken Parquet file throws, in words. The reader behind it has no one exception for it.</summary>
internal static class ParquetErrors
{
    /// <summary>The result, or why there is none.</summary>
    public static (T? Result, string? Problem) Try<T>(Func<T> read)
        where T : class
    {
        try
        {
            return (read(), null);
        }
        catch (InvalidDataException told)
        {
            return (null, told.Message);
        }
        catch (Exception broken) when (broken is not (OutOfMemoryException or OperationCanceledException))
        {
            return (null, $"the Parquet file cannot be read from here on: {broken.GetBaseException().Message} It is damaged, or written in a way that is not known; write it anew or take it out.");
        }
    }
}
