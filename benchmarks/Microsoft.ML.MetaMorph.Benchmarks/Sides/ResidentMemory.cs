using System.Diagnostics;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>What of this process lies in memory, in MiB.</summary>
internal static class ResidentMemory
{
    /// <summary>Now, with what the collector can free gone.</summary>
    public static double AfterCollection()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64 / 1048576.0;
    }

    /// <summary>The most since the process began.</summary>
    public static double Peak()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1048576.0;
    }
}
