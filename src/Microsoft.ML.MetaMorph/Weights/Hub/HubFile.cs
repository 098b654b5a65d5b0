namespace Microsoft.ML.MetaMorph;

/// <summary>A file of a model: its name, and the length and the hash that it has to have.</summary>
/// <param name="Name">As the hub names it, with slashes.</param>
/// <param name="Hash">The name of its blob: SHA-256 of a large file, the SHA-1 by which git names a small one. Empty where the listing does not say.</param>
/// <param name="Length">Bytes; -1 where the listing does not say.</param>
internal sealed record HubFile(string Name, string Hash, long Length)
{
    public bool IsDescribed => Hash.Length > 0 && Length >= 0;

    /// <summary>Asks for length and hash, where the listing of a mirror has none.</summary>
    public async Task<HubFile> DescribeAsync(HubConnection connection, HubListing listing, CancellationToken cancellation)
    {
        HubHeaders headers = await connection.RepeatAsync(async () =>
        {
            using var silence = new StallGuard(connection.Settings.Options, cancellation);
            var request = new HubRequest(HttpMethod.Head, listing.Address(connection, Name));
            using HubAnswer answer = await connection.SendAsync(request, leavesHub: false, response => listing.Refusal.Explain(response, Name), silence).ConfigureAwait(false);
            return answer.Headers;
        }, cancellation).ConfigureAwait(false);
        if (headers.Commit is { } commit && commit != listing.Commit) throw new HuggingFaceHubException($"'{Name}' of '{listing.Model}' was asked for at commit {listing.Commit}, but the hub answers for {commit}.");
        if (headers is { Hash: { } hash, Length: { } length } && BlobHash.IsHash(hash)) return new HubFile(Name, hash, length);
        throw new HuggingFaceHubException($"{connection.Settings.Endpoint} gives no length and hash for '{Name}' of '{listing.Model}' (length {headers.Length?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"}, tag '{headers.Hash}'), so what it sends could not be checked. Use another endpoint.");
    }
}
