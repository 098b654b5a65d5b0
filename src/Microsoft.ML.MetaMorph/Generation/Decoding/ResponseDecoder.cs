namespace Microsoft.ML.MetaMorph;

/// <summary>Computes what the loop of generation asks for, by one engine or another. Thread-safe: every batch has its own state.</summary>
internal abstract class ResponseDecoder : IDisposable
{
    /// <summary>For the log.</summary>
    public abstract string Name { get; }

    /// <summary>Computes the prompts; every row of the result then holds its first logits or visual token.</summary>
    /// <param name="prompts">One a row.</param>
    /// <param name="chunk">Positions that are computed at once.</param>
    /// <param name="cancellation">Looked at between chunks.</param>
    /// <exception cref="OperationCanceledException">Cancelled before the prompts were done.</exception>
    public abstract DecodingBatch Start(IReadOnlyList<DecodingPrompt> prompts, int chunk, CancellationToken cancellation);

    public virtual void Dispose()
    {
    }
}

/// <summary>Sequences that go on step by step. Not thread-safe.</summary>
internal abstract class DecodingBatch : IDisposable
{
    public abstract IReadOnlyList<DecodingRow> Rows { get; }

    /// <summary>Takes the inputs of the rows given, each one position further, and fills in what each wants. Rows left out stay where they are.</summary>
    public abstract void Step(IReadOnlyList<DecodingRow> live);

    public abstract void Dispose();
}
