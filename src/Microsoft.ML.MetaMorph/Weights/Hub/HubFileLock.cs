namespace Microsoft.ML.MetaMorph;

/// <summary>A lock between processes: a file that one of them has open. Python's tools lock the same files, on Linux and macOS in the same way (flock).</summary>
internal static class HubFileLock
{
    /// <summary>How often a taken lock is looked at again.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private const int SharingViolation = unchecked((int)0x80070020);

    /// <summary>EWOULDBLOCK of Linux and of macOS.</summary>
    private static readonly int[] WouldBlock = [11, 35];

    /// <summary>Waits until the lock is free and takes it; disposing gives it back.</summary>
    /// <remarks>The file stays: deleting it would let a third process lock another file of the same name.</remarks>
    public static async Task<FileStream> TakeAsync(string path, TimeProvider time, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException taken) when (taken.HResult == SharingViolation || WouldBlock.Contains(taken.HResult))
            {
                await Task.Delay(Interval, time, cancellation).ConfigureAwait(false);
            }
        }
    }
}
