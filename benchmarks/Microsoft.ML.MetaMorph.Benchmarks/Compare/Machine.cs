using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Where and on what a table was measured.</summary>
internal static class Machine
{
    /// <summary>The instruction sets that decide what is fast.</summary>
    private static readonly string[] Telling = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "asimd", "bf16"];

    public static string RepositoryRoot { get; } = typeof(Machine).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(a => a.Key == "RepositoryRoot").Value!;

    public static string Processor => $"{ProcessorName()}, {Environment.ProcessorCount} cores{Flags()}";

    public static string Memory => string.Create(CultureInfo.InvariantCulture, $"{GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30):F0} GiB");

    public static string System => $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}";

    /// <summary>The commit, marked where files differ from it.</summary>
    public static string Commit
    {
        get
        {
            string commit = Output("git", "-C", RepositoryRoot, "rev-parse", "--short=12", "HEAD");
            if (commit.Length == 0) return "unknown";
            return Output("git", "-C", RepositoryRoot, "status", "--porcelain", "--untracked-files=no").Length == 0 ? commit : commit + " with changes";
        }
    }

    private static string ProcessorName()
    {
        if (OperatingSystem.IsMacOS()) return Output("sysctl", "-n", "machdep.cpu.brand_string");
        if (OperatingSystem.IsWindows()) return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "unknown";
        return Linux("model name") ?? "unknown";
    }

    private static string Flags()
    {
        if (!OperatingSystem.IsLinux() || (Linux("flags") ?? Linux("Features")) is not { } all) return "";
        string[] found = [.. Telling.Intersect(all.Split(' '))];
        return found.Length == 0 ? "" : $" ({string.Join(", ", found)})";
    }

    private static string? Linux(string key)
        => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?.Split(':', 2)[1].Trim();

    private static string Output(string file, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            string text = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? text : "";
        }
        catch (global::System.ComponentModel.Win32Exception)     // no such program: the table says "unknown"
        {
            return "";
        }
    }
}
