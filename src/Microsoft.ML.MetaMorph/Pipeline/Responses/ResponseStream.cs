using System.Threading.Channels;

namespace Microsoft.ML.MetaMorph;

/// <summary>One response on its way from the thread that makes it to whoever waits for it.</summary>
internal sealed class ResponseStream : ITorchJob
{
    private readonly ResponseModel _model;
    private readonly GenerationRequest _request;
    private readonly GenerationOptions _options;
    private readonly ResponseSurroundings _surroundings;
    private readonly Channel<ResponseUpdate>? _updates;
    private readonly TaskCompletionSource<GeneratedResponse> _response = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenRegistration _registration;
    private ResponseRun? _run;

    /// <param name="model">The model; whoever owns the thread holds it.</param>
    /// <param name="request">The prompt.</param>
    /// <param name="options">How the response is made.</param>
    /// <param name="surroundings">Log and cancellation of the context.</param>
    /// <param name="streamed">Whether pieces are handed out.</param>
    /// <param name="cancellation">The caller's.</param>
    public ResponseStream(ResponseModel model, GenerationRequest request, GenerationOptions options, ResponseSurroundings surroundings, bool streamed, CancellationToken cancellation)
    {
        (_model, _request, _options, _surroundings) = (model, request, options, surroundings);
        // Unbounded: nobody who reads slowly holds up the others, and MaxNewTokens bounds a response.
        _updates = streamed ? Channel.CreateUnbounded<ResponseUpdate>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true }) : null;
        _registration = cancellation.UnsafeRegister(static stop => ((CancellationTokenSource)stop!).Cancel(), _stop);
    }

    /// <summary>The pieces as they come, of a response that is streamed.</summary>
    public ChannelReader<ResponseUpdate> Updates => _updates!.Reader;

    /// <summary>The whole response, once it has ended.</summary>
    public Task<GeneratedResponse> Response => _response.Task;

    /// <summary>Ends the response with what was made.</summary>
    public void Cancel() => _stop.Cancel();

    public bool Step(bool stopping)
    {
        try
        {
            if (stopping || _surroundings.IsCancelled()) _stop.Cancel();
            _run ??= _model.Begin(_request, _options, _updates is null ? null : Hand, _surroundings.Log, _stop.Token);
            if (_model.Step(_run)) return true;
            GeneratedResponse response = _run.Responses[0];
            Hand(ResponseUpdate.Finished(response));
            Close(null);
            _response.SetResult(response);
        }
        catch (Exception failure)
        {
            Close(failure);
            _response.SetException(failure);
            _ = _response.Task.Exception;        // the reader of the pieces throws it
        }
        return false;
    }

    private void Hand(ResponseUpdate update) => _updates?.Writer.TryWrite(update);

    private void Close(Exception? failure)
    {
        _run?.Dispose();
        _registration.Dispose();
        _updates?.Writer.TryComplete(failure);
    }
}

/// <summary>What a response has of the context that it is made in.</summary>
/// <param name="Log">Told what is worth knowing, once.</param>
/// <param name="IsCancelled">Whether the execution of the context was cancelled.</param>
internal sealed record ResponseSurroundings(Action<string> Log, Func<bool> IsCancelled);
