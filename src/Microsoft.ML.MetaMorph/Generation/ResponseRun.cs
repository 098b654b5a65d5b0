using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

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
    }

    /// <summary>The responses, once <see cref="Step"/> has given false.</summary>
    public IReadOnlyList<GeneratedResponse> Responses => [.. _rows.Select(row => row.Result())];

    /// <summary>Reads the prompts, the first time; after that makes one position of every response that has not ended.</summary>
    /// <returns>False once all have ended.</returns>
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
                foreach (DecodingRow row in _live) RequireFinite(row);
            }
            else
            {
                _batch.Step(_live);
            }
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

    /// <summary>
    /// Weights that hold NaN make every answer nonsense without an error. They are mapped, so nobody reads them all; but they show in the first
    /// thing that the model says of a prompt.
    /// </summary>
    private static void RequireFinite(DecodingRow row)
    {
        float[] values = row.WantsVisual ? row.VisualToken : row.Logits;
        if (values.Length == 0 || float.IsFinite(TensorPrimitives.MaxMagnitude(values))) return;
        int at = Array.FindIndex(values, value => !float.IsFinite(value));
        throw new NotFiniteNumberException(FormattableString.Invariant($"the first {(row.WantsVisual ? "visual token" : "logits")} behind a prompt {(row.WantsVisual ? "has" : "have")} {values[at]} at place {at} of {values.Length}"));
    }

    public void Dispose() => _batch?.Dispose();
}
