using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>One side in a process of its own.</summary>
internal static class SideProcess
{
    private static readonly TimeSpan LoadingLimit = TimeSpan.FromMinutes(20);

    /// <param name="file">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="threads">Threads, told to every library that asks the environment.</param>
    /// <param name="firstRunLimit">Seconds that the first run may take once the model is ready; null for no limit.</param>
    public static SideOutcome Run(string file, IEnumerable<string> arguments, int threads, double? firstRunLimit = null)
    {
        using Process process = Start(file, arguments, threads);
        Channel<string?> lines = Channel.CreateUnbounded<string?>();
        var errors = new StringBuilder();
        process.OutputDataReceived += (_, e) => lines.Writer.TryWrite(e.Data);
        process.ErrorDataReceived += (_, e) =>
        {
            if (e.Data is not null) lock (errors) errors.AppendLine(e.Data);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return Follow(process, lines.Reader, errors, firstRunLimit).GetAwaiter().GetResult();
    }

    private static async Task<SideOutcome> Follow(Process process, ChannelReader<string?> lines, StringBuilder errors, double? firstRunLimit)
    {
        double? warm = null;
        using var limit = new CancellationTokenSource(LoadingLimit);
        try
        {
            while (await lines.ReadAsync(limit.Token) is { } line)
            {
                if (!line.StartsWith('{')) continue;
                using JsonDocument json = JsonDocument.Parse(line);
                switch (json.RootElement.GetProperty("event").GetString())
                {
                    case SideReport.Ready when firstRunLimit is { } seconds:
                        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
                        break;
                    case SideReport.Ready:
                        limit.CancelAfter(Timeout.InfiniteTimeSpan);
                        break;
                    case SideReport.Warm:
                        limit.CancelAfter(Timeout.InfiniteTimeSpan);
                        warm = json.RootElement.TryGetProperty("seconds", out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
                        break;
                    case SideReport.Result:
                        await process.WaitForExitAsync(CancellationToken.None);
                        return new SideOutcome(json.RootElement.Deserialize<SideResult>(SideReport.Json), warm, null);
                }
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            string allowed = firstRunLimit is { } seconds ? seconds.ToString("F1", CultureInfo.InvariantCulture) + " s" : LoadingLimit.ToString();
            return new SideOutcome(null, warm, $"the first run was not done after {allowed}") { IsTooSlow = true };
        }
        await process.WaitForExitAsync(CancellationToken.None);
        lock (errors) return new SideOutcome(null, warm, $"ended with code {process.ExitCode}: {Tail(errors.ToString())}");
    }

    private static Process Start(string file, IEnumerable<string> arguments, int threads)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        string count = threads.ToString(CultureInfo.InvariantCulture);
        foreach (string name in (string[])["OMP_NUM_THREADS", "MKL_NUM_THREADS"]) start.Environment[name] = count;
        start.Environment["HF_HUB_OFFLINE"] = "1";
        start.Environment["TRANSFORMERS_VERBOSITY"] = "error";
        return Process.Start(start) ?? throw new InvalidOperationException($"'{file}' could not be started.");
    }

    private static string Tail(string text)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == 0 ? "it wrote no error" : string.Join(" / ", lines[^Math.Min(3, lines.Length)..]);
    }
}

/// <summary>How a side ended.</summary>
/// <param name="Result">What it measured; null where it did not come to its end.</param>
/// <param name="FirstRun">Seconds of the untimed first run, where the side told.</param>
/// <param name="Failure">Why there is no result.</param>
internal sealed record SideOutcome(SideResult? Result, double? FirstRun, string? Failure)
{
    /// <summary>It was ended because it passed its limit.</summary>
    public bool IsTooSlow { get; init; }
}
