namespace Microsoft.ML.MetaMorph;

/// <summary>Looks, before anything is fetched, whether the disk has room for it.</summary>
internal static class FreeSpace
{
    /// <exception cref="HuggingFaceHubException">It has not.</exception>
    public static void Check(HubSettings settings, string blobs, IReadOnlyList<HubFile> missing)
    {
        if (missing.Count == 0) return;
        long needed = missing.Sum(f => f.Length - Math.Min(f.Length, LengthOf(Path.Combine(blobs, f.Hash + ".incomplete"))));
        Directory.CreateDirectory(blobs);
        long free = (settings.Options.FreeBytes ?? OfDisk)(blobs);
        if (free >= needed) return;
        throw new HuggingFaceHubException($"The {missing.Count} missing files need {needed} bytes, and the disk of '{settings.Cache.Root}' ({settings.Cache.Source}) has {free} left. Make room, or choose another place with {nameof(HuggingFaceHubOptions)}.{nameof(HuggingFaceHubOptions.CacheFolder)} or HF_HUB_CACHE.");
    }

    private static long LengthOf(string path) => new FileInfo(path) is { Exists: true, Length: long length } ? length : 0;

    private static long OfDisk(string folder) => new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(folder)! : folder).AvailableFreeSpace;
}
