using System.Net;
using System.Net.Http.Headers;

namespace Microsoft.ML.MetaMorph;

/// <summary>Fetches one blob: into <c>blobs/HASH.incomplete</c>, from where an earlier attempt ended, and by its own name once it is whole and its hash is right.</summary>
internal sealed class BlobDownload(HubConnection connection, HubListing listing, SnapshotWriter snapshot, HubFile file, HubProgress progress)
{
    private readonly string _partial = snapshot.Blob(file) + ".incomplete";
    private readonly Uri _address = listing.Address(connection, file.Name);
    private readonly HubRetries _retries = new(connection.Settings.Options);
    private EntityTagHeaderValue? _tag;
    private long _furthest;

    private string What => $"'{file.Name}' of '{listing.Model}'";

    public async Task RunAsync(CancellationToken cancellation)
    {
        // Another process may be fetching the same; Python's tools take the same lock.
        using FileStream held = await HubFileLock.TakeAsync(snapshot.Lock(file), connection.Settings.Options.TimeProvider, cancellation).ConfigureAwait(false);
        if (snapshot.Has(file)) return;
        Directory.CreateDirectory(snapshot.Blobs);
        try
        {
            await RepeatAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            // What was refused as false was cut to nothing; what came before a mere refusal is of use later.
            if (new FileInfo(_partial) is { Exists: true, Length: 0 }) File.Delete(_partial);
        }
    }

    private async Task RepeatAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await AttemptAsync(cancellation).ConfigureAwait(false);
                File.Move(_partial, snapshot.Blob(file), overwrite: true);
                return;
            }
            catch (HubTroubleException trouble)
            {
                await _retries.PauseAsync(trouble, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task AttemptAsync(CancellationToken cancellation)
    {
        string found;
        bool isResumed;
        await using (var partial = new FileStream(_partial, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0, useAsync: true))
        using (var hash = new BlobHash(file))
        {
            if (partial.Length > file.Length) partial.SetLength(0);
            await hash.AddAsync(partial, cancellation).ConfigureAwait(false);
            isResumed = partial.Length > 0;
            if (isResumed) progress.Report(file, partial.Length);
            if (partial.Length < file.Length) isResumed = await ReceiveAsync(partial, hash, cancellation).ConfigureAwait(false);
            partial.Flush(flushToDisk: true);
            found = hash.Finish();
        }
        if (found == file.Hash) return;
        File.Delete(_partial);
        string text = $"{What} has the hash {found}, but the hub promised {file.Hash} ({file.Length} bytes). It was deleted.";
        // What an earlier attempt left may be at fault: then a whole download is right.
        if (isResumed) throw new HubTroubleException(text);
        throw new HuggingFaceHubException($"{text} The file is damaged on the way, at the mirror or by a proxy; try again or use another endpoint.");
    }

    /// <summary>Appends what is missing; returns whether what was there was kept.</summary>
    private async Task<bool> ReceiveAsync(FileStream partial, BlobHash hash, CancellationToken cancellation)
    {
        using var silence = new StallGuard(connection.Settings.Options, cancellation);
        var request = new HubRequest(HttpMethod.Get, _address) { From = partial.Length, Tag = _tag };
        using HubAnswer answer = await connection.SendAsync(request, leavesHub: true, response => listing.Refusal.Explain(response, file.Name), silence).ConfigureAwait(false);
        if (answer.Response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            partial.SetLength(0);
            throw new HubTroubleException($"{HubConnection.Plain(answer.Address)} cannot send {What} from byte {request.From} on.");
        }
        bool isResumed = answer.Response.StatusCode == HttpStatusCode.PartialContent;
        if (!isResumed)
        {
            // The whole file, although a part may have been asked for.
            partial.SetLength(0);
            hash.Restart();
        }
        if (Broken(answer, partial.Length) is { } broken) throw Lie(partial, answer, broken);
        if (answer.Response.Headers.ETag is { IsWeak: false } tag) _tag = tag;
        await BodyReader.ReadAsync(answer, silence, answer.Address, async (bytes, stop) =>
        {
            if (partial.Length + bytes.Length > file.Length) throw Lie(partial, answer, $"sends more than the {file.Length} bytes that it has at the hub");
            hash.Add(bytes.Span);
            // Bytes that came are kept, also where the user cancels.
            await partial.WriteAsync(bytes, CancellationToken.None).ConfigureAwait(false);
            Advance(partial.Length);
        }).ConfigureAwait(false);
        if (partial.Length < file.Length) throw new HubTroubleException($"{HubConnection.Plain(answer.Address)} ended after {partial.Length} of the {file.Length} bytes of {What}.");
        return isResumed;
    }

    /// <summary>What an answer says that cannot be, if the hub's listing is right; null if nothing.</summary>
    private string? Broken(HubAnswer answer, long from)
    {
        HubHeaders hub = answer.Headers;
        if (hub.IsLinked && hub.Hash != file.Hash) return $"is announced with the hash {hub.Hash} instead of {file.Hash}";
        if (hub.Commit is { } commit && commit != listing.Commit) return $"is that of commit {commit} instead of {listing.Commit}";
        if (answer.Response.StatusCode == HttpStatusCode.PartialContent && answer.Response.Content.Headers.ContentRange is var range && (range is null || range.From != from || (range.Length ?? file.Length) != file.Length))
            return $"comes as the part '{range}' where bytes from {from} on of {file.Length} were asked for";
        return answer.Response.Content.Headers.ContentLength is { } length && length != file.Length - from ? $"is announced with {length} bytes instead of {file.Length - from}" : null;
    }

    private HuggingFaceHubException Lie(FileStream partial, HubAnswer answer, string what)
    {
        partial.SetLength(0);
        return new HuggingFaceHubException($"{What} {what}, from {HubConnection.Plain(answer.Address)}. It was not kept; try again or use another endpoint.");
    }

    private void Advance(long length)
    {
        progress.Report(file, length);
        if (length <= _furthest) return;
        _furthest = length;
        _retries.Reset();
    }
}
