using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The lines of JSON that a side prints, and how its repeats are timed.</summary>
internal static class SideReport
{
    public const string Ready = "ready", Warm = "warm", Result = "result";

    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static void Event(string name, double? seconds = null)
        => Console.WriteLine(JsonSerializer.Serialize(new { @event = name, seconds }, Json));

    public static void Print(SideResult result)
    {
        using var self = Process.GetCurrentProcess();
        SideResult whole = result with
        {
            PeakMiB = self.PeakWorkingSet64 >> 20,
            ProcessorSeconds = Math.Round(self.TotalProcessorTime.TotalSeconds, 3),
            Versions = $"{RuntimeInformation.FrameworkDescription}, TorchSharp {Version(typeof(TorchSharp.torch))}, libtorch {TorchSharp.torch.__version__}",
        };
        JsonObject line = JsonSerializer.SerializeToNode(whole, Json)!.AsObject();
        line["event"] = Result;
        Console.WriteLine(line.ToJsonString());
    }

    /// <summary>Seconds of each repeat, after one untimed run (<paramref name="first"/> where that one does more than the others).</summary>
    public static double[] Measure(int repeats, Action work, Action? first = null)
    {
        Event(Ready);
        Event(Warm, Time(first ?? work));
        return [.. Enumerable.Range(0, repeats).Select(_ => Time(work))];
    }

    public static double Time(Action work)
    {
        long begin = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    /// <summary>Mean magnitude, and the two ends: enough to see that both sides computed the same.</summary>
    public static double[] Fingerprint(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values) sum += Math.Abs(value);
        return [sum / values.Length, values[0], values[^1]];
    }

    private static string Version(Type type) => type.Assembly.GetName().Version?.ToString(3) ?? "";
}
