using System.Buffers;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads the body of an answer piece by piece, and tells a failing network from a failing disk.</summary>
internal static class BodyReader
{
    /// <param name="answer">The answer.</param>
    /// <param name="silence">The time limit, which begins anew with each piece.</param>
    /// <param name="address">What was asked for, for messages.</param>
    /// <param name="take">Takes a piece; its errors are not those of the network.</param>
    /// <exception cref="HubTroubleException">The connection dropped or stalled.</exception>
    public static async Task ReadAsync(HubAnswer answer, StallGuard silence, Uri address, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> take)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            using Stream body = await answer.Response.Content.ReadAsStreamAsync(CancellationToken.None).ConfigureAwait(false);
            while (await NextAsync(body, buffer, silence, address).ConfigureAwait(false) is > 0 and int read) await take(buffer.AsMemory(0, read), silence.Token).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<int> NextAsync(Stream body, byte[] buffer, StallGuard silence, Uri address)
    {
        silence.Restart();
        try
        {
            silence.Token.ThrowIfCancellationRequested();
            return await body.ReadAsync(buffer, silence.Token).ConfigureAwait(false);
        }
        catch (Exception lost) when (lost is IOException or HttpRequestException)
        {
            throw new HubTroubleException($"The connection dropped while {HubConnection.Plain(address)} was being read: {lost.Message}", lost);
        }
        catch (OperationCanceledException stalled) when (silence.HasStalled)
        {
            throw new HubTroubleException($"{HubConnection.Plain(address)} sent nothing for {silence.Limit.TotalSeconds:0.#} seconds.", stalled);
        }
    }
}
