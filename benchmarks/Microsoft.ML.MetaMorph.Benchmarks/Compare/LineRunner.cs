using System.Globalization;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Runs a line: each side in its own process, one after the other, round by round.</summary>
/// <param name="python">The Python interpreter with PyTorch, transformers and diffusers; null leaves the other side out.</param>
/// <param name="rounds">Processes of each variant.</param>
/// <param name="threads">Threads of both sides.</param>
/// <param name="log">Told what runs.</param>
internal sealed class LineRunner(string? python, int rounds, int threads, Action<string> log)
{
    /// <summary>A bfloat16 variant whose first run takes this many times the float32 one is given up: it cannot become the fastest.</summary>
    private const double SlowFactor = 4;

    /// <summary>A variant that takes this many times the fastest one's time in the first round cannot become the fastest: it is not run again.</summary>
    private const double BeatenFactor = 2;

    private static readonly string Script = Path.Combine(AppContext.BaseDirectory, "pytorch", "side.py");

    public LineOutcome Run(BenchmarkLine line)
    {
        log($"{line.Name}: preparing");
        string folder = line.Prepare();
        return line is PairedLine paired ? RunPaired(paired, folder) : RunSolo((SoloLine)line, folder);
    }

    private PairedOutcome RunPaired(PairedLine line, string folder)
    {
        var best = new Measured("ours", "best", isBFloat16: false);
        var single = new Measured("ours", "fp32", isBFloat16: false);
        (PythonVariant Variant, Measured Measured)[] others = [.. line.Python.Select(variant => (variant, new Measured("PyTorch", variant.Name, variant.IsBFloat16)))];
        double? firstRun = null;
        for (int round = 0; round < rounds; round++)
        {
            Ours(best, line.Task, folder, line.Repeats, Precision.Auto);
            foreach ((PythonVariant variant, Measured measured) in others)
            {
                if (python is null || measured.Reason is not null || (round > 0 && IsBeaten(measured, others))) continue;
                // The same loading, another arithmetic: only the first round needs the limit.
                double? limit = variant.IsBFloat16 && firstRun is { } seconds ? Math.Max(5, SlowFactor * seconds) : null;
                log($"{line.Name}: PyTorch {variant.Name}, round {round + 1}");
                SideOutcome outcome = SideProcess.Run(python, [Script, line.Task, folder, .. variant.Arguments, "--threads", Text(threads), "--repeats", Text(line.Repeats)], threads, limit);
                measured.Add(outcome, string.Create(CultureInfo.InvariantCulture, $"was ended: its first run was not done after {limit:F1} s, {SlowFactor:F0} times what float32 took"));
                if (!variant.IsBFloat16) firstRun ??= outcome.FirstRun;
            }
            Ours(single, line.Task, folder, line.Repeats, Precision.Float32);
        }
        return new PairedOutcome(line, best, single, [.. others.Select(other => other.Measured)]);
    }

    private static bool IsBeaten(Measured measured, IEnumerable<(PythonVariant Variant, Measured Measured)> others)
        => measured.Seconds.Median > BeatenFactor * others.Where(other => other.Measured.IsComplete).Min(other => other.Measured.Seconds.Median);

    private SoloOutcome RunSolo(SoloLine line, string folder)
    {
        var ours = new Measured("ours", "best", isBFloat16: false);
        for (int round = 0; round < rounds; round++)
        {
            foreach (string task in line.Tasks) Ours(ours, task, folder, line.Repeats, Precision.Auto);
        }
        return new SoloOutcome(line, ours);
    }

    private void Ours(Measured measured, string task, string folder, int repeats, Precision precision)
    {
        if (measured.Reason is not null) return;
        log($"{task}: ours {measured.Variant}, process {measured.Results.Count + 1}");
        // The runtime's own executable may be a host (dotnet run): this program is started as it was built.
        string program = Path.Combine(AppContext.BaseDirectory, Path.ChangeExtension(Path.GetFileName(typeof(LineRunner).Assembly.Location), "dll"));
        string[] arguments = [program, "side", task, folder, "--precision", precision.ToString(), "--threads", Text(threads), "--repeats", Text(repeats)];
        measured.Add(SideProcess.Run("dotnet", arguments, threads));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
