namespace Microsoft.ML.MetaMorph;

/// <summary>Adds up what several files have.</summary>
internal sealed class HubProgress(IProgress<HuggingFaceProgress>? listener, IReadOnlyList<HubFile> files)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _bytes = new(StringComparer.Ordinal);
    private readonly long _length = files.Sum(f => f.Length);
    private long _total;

    public void Report(HubFile file, long bytes)
    {
        if (listener is null) return;
        long total;
        lock (_gate)
        {
            _total += bytes - _bytes.GetValueOrDefault(file.Hash);
            _bytes[file.Hash] = bytes;
            total = _total;
        }
        listener.Report(new HuggingFaceProgress(file.Name, bytes, file.Length, total, _length));
    }
}
