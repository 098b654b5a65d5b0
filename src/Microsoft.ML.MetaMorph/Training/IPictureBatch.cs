namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of one optimizer step; disposing it lets them go.</summary>
internal interface IPictureBatch : IDisposable
{
    /// <summary>The number of pictures.</summary>
    long Count { get; }

    /// <summary>The pictures' numbers in the training data, for messages; null: counted.</summary>
    IReadOnlyList<long>? Rows { get; }

    /// <summary>Where the stream of pictures goes on behind them; null where nobody tells.</summary>
    StreamPlace? Next => null;

    /// <summary>The pictures' numbers, counted from <paramref name="first"/> where none are given.</summary>
    IEnumerable<long> Numbers(long first) => Rows ?? Enumerable.Range(0, (int)Count).Select(i => first + i);
}
