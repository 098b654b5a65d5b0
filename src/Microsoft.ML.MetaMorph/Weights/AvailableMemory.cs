using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>The memory that can still be taken: of the machine, within the limit of the container, and within the one that the user sets.</summary>
internal static class AvailableMemory
{
    /// <summary>The environment variable that sets a limit in bytes, for machines that are shared.</summary>
    public const string LimitVariable = "METAMORPH_MEMORY_LIMIT";

    /// <summary>Bytes available now.</summary>
    /// <exception cref="InvalidOperationException">The environment variable holds no number.</exception>
    public static long Measure()
    {
        long machine = (OperatingSystem.IsLinux() ? OnLinux("/") : null) ?? ByRuntime();
        return Environment.GetEnvironmentVariable(LimitVariable) is { Length: > 0 } limit ? Math.Min(machine, Bytes(limit)) : machine;
    }

    /// <summary>The smaller of what the kernel and the control groups leave; null where neither is told.</summary>
    /// <param name="root">The root of the file system; tests give another.</param>
    public static long? OnLinux(string root)
    {
        long? least = Kibibytes(Path.Combine(root, "proc/meminfo"), "MemAvailable:");
        foreach (string line in Lines(Path.Combine(root, "proc/self/cgroup")))
        {
            string[] fields = line.Split(':', 3);   // hierarchy:controllers:path
            if (fields.Length != 3) continue;
            if (fields[1].Length == 0) least = Least(least, Group(Path.Combine(root, "sys/fs/cgroup"), fields[2], "memory.max", "memory.current"));
            else if (fields[1].Split(',').Contains("memory")) least = Least(least, Group(Path.Combine(root, "sys/fs/cgroup/memory"), fields[2], "memory.limit_in_bytes", "memory.usage_in_bytes"));
        }
        return least;
    }

    private static long Bytes(string limit) => long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes)
        ? bytes
        : throw new InvalidOperationException($"The environment variable {LimitVariable} is '{limit}'; it must be a whole number of bytes, or not set.");

    private static long ByRuntime()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        return Math.Max(0, memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes);
    }

    /// <summary>The least that a group or one above it leaves; inside a container the path is often that of the host and only the root exists.</summary>
    private static long? Group(string mount, string path, string limitFile, string usageFile)
    {
        long? least = null;
        for (string group = path.Trim('/'); ; group = group[..Math.Max(0, group.LastIndexOf('/'))])
        {
            string folder = Path.Combine(mount, group);
            if (Number(Path.Combine(folder, limitFile)) is { } limit && Number(Path.Combine(folder, usageFile)) is { } usage)
                least = Least(least, Math.Max(0, limit - Math.Max(0, usage - Reclaimable(folder))));
            if (group.Length == 0) return least;
        }
    }

    /// <summary>File pages that nobody used lately count as used, but are given up at once.</summary>
    private static long Reclaimable(string folder)
    {
        foreach (string line in Lines(Path.Combine(folder, "memory.stat")))
        {
            string[] fields = line.Split(' ');
            if (fields is ["inactive_file" or "total_inactive_file", string bytes] && long.TryParse(bytes, CultureInfo.InvariantCulture, out long value)) return value;
        }
        return 0;
    }

    private static long? Kibibytes(string path, string label)
    {
        string? line = Lines(path).FirstOrDefault(l => l.StartsWith(label, StringComparison.Ordinal));
        string? number = line?[label.Length..].Trim().Split(' ')[0];
        return long.TryParse(number, CultureInfo.InvariantCulture, out long kibibytes) ? kibibytes * 1024 : null;
    }

    /// <summary>A number, or null for "max" and for a file that is not there.</summary>
    private static long? Number(string path) => long.TryParse(Lines(path).FirstOrDefault(), CultureInfo.InvariantCulture, out long value) ? value : null;

    /// <summary>A file that the kernel does not offer, or not to us, tells nothing; the other sources then decide.</summary>
    private static string[] Lines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static long? Least(long? a, long? b) => a is null ? b : b is null ? a : Math.Min(a.Value, b.Value);
}
