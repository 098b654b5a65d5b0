using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Responses while they are made, one step at a time, so that several runs can take turns on one thread.</summary>
/// <remarks>What lives from one step to the next (key/value caches) belongs to the run, not to a scope of the thread. Not thread-safe.</remarks>
internal sealed class ResponseRun : IDisposable
{
    private readonly ResponseDecoder _decoder;
    private readonly DecodingPrompt[] _prompts;
    private readonly ResponseRow[] _rows;
    private readonly int _chunk;
    private readonly CancellationToken _cancellation;
    private readonly FiniteNumbers _numbers;
    private DecodingBatch? _batch;
    private List<DecodingRow> _live = [];

    /// <param name="decoder">Computes the steps; it outlives the run.</param>
    /// <param name="prompts">One a row.</param>
    /// <param name="rows">The responses.</param>
    /// <param name="chunk">Positions of a prompt that are computed at once.</param>
    /// <param name="cancellation">Ends every response that has not ended.</param>
    public ResponseRun(ResponseDecoder decoder, DecodingPrompt[] prompts, ResponseRow[] rows, int chunk, CancellationToken cancellation)
    {
        (_decoder, _prompts, _rows, _chunk, _cancellation) = (decoder, prompts, rows, chunk, cancellation);
        _numbers = new FiniteNumbers(prompts);
    }

    /// <summary>The responses, once <see cref="Step"/> has given false.</summary>
    public IReadOnlyList<GeneratedResponse> Responses => [.. _rows.Select(row => row.Result())];

    /// <summary>Reads the prompts, the first time; after that makes one position of every response that has not ended.</summary>
    /// <returns>False once all have ended.</returns>
    /// <exception cref="GenerationRequestException">The visual tokens of a prompt give numbers that are not finite; the others of the batch could be answered.</exception>
    /// <exception cref="NotFiniteNumberException">The weights do.</exception>
    public bool Step()
    {
        using var mode = inference_mode();
        using var scope = NewDisposeScope();
        try
        {
            _cancellation.ThrowIfCancellationRequested();
            if (_batch is null)
            {
                _batch = _decoder.Start(_prompts, _chunk, _cancellation);
                _live = [.. _batch.Rows];
            }
            else
            {
                _batch.Step(_live);
            }

            _numbers.Require(_live, index => _rows[index].Positions);
        }
        catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
        {
            foreach (ResponseRow row in _rows)
                if (row.FinishReason is null) row.Finish(ResponseFinishReason.Cancelled);
            return false;
        }
        foreach (DecodingRow row in _live) _rows[row.Index].Take(row);
        _live.RemoveAll(row => _rows[row.Index].FinishReason is not null);
        return _live.Count > 0;
    }

    public void Dispose() => _batch?.Dispose();
}
