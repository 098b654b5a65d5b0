using System.Globalization;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>All lines of the table and their bars.</summary>
internal sealed class BenchmarkLines
{
    private const double MemoryBarMiB = 8, OverheadBar = 0.03, OpenBarSeconds = 0.1;

    public static readonly string MemoryBar = Text($"grows < {MemoryBarMiB} MiB");

    public static readonly PythonVariant[] Types = [new("fp32", false, ["--dtype", "float32"]), new("bf16", true, ["--dtype", "bfloat16"])];

    private static readonly PythonVariant[] Layouts =
    [
        new("fp32, packed", false, ["--dtype", "float32", "--layout", "packed"]),
        new("fp32, padded", false, ["--dtype", "float32", "--layout", "padded"]),
        new("bf16, packed", true, ["--dtype", "bfloat16", "--layout", "packed"]),
    ];

    private readonly string _models;
    private readonly bool _shrink;

    /// <param name="models">The folder of the model folders.</param>
    /// <param name="shrink">Tiny shapes.</param>
    public BenchmarkLines(string models, bool shrink)
    {
        (_models, _shrink) = (models, shrink);
        var drawing = new DrawingLines(At("stable-diffusion"), At("drawing"), shrink);
        All = [.. Paired(), .. drawing.Paired(), .. Solo(), .. drawing.Solo()];
    }

    public IReadOnlyList<BenchmarkLine> All { get; }

    /// <summary>The lines of these names, in the order of the table.</summary>
    /// <exception cref="ArgumentException">There is no line of that name.</exception>
    public IReadOnlyList<BenchmarkLine> Named(IReadOnlyCollection<string> names)
    {
        if (names.FirstOrDefault(name => All.All(line => line.Name != name)) is { } unknown)
            throw new ArgumentException($"There is no line '{unknown}'; there are {string.Join(", ", All.Select(line => line.Name))}.");
        return [.. All.Where(line => names.Count == 0 || names.Contains(line.Name))];
    }

    private IEnumerable<BenchmarkLine> Paired()
    {
        yield return Encode("encode-base", "SigLIP base, patch 16, 224 px", ModelShapes.SiglipBase, batch: 8, repeats: 3);
        yield return Encode("encode-so400m", "SigLIP so400m, patch 14, 384 px", ModelShapes.SiglipSo400m, batch: 2, repeats: 2);
        (int prompt, int before, int steps) = _shrink ? (48, 16, 8) : (512, 128, 32);
        LanguageModelConfig language = _shrink ? ModelShapes.LlamaTiny : ModelShapes.Llama1B;
        yield return new PairedLine("prefill", $"Prefill of {prompt} tokens, Llama 3.2 1B shape stored in bfloat16",
            () => LanguageModelFolder.Prepare(At("llama-prefill"), language, prompt, 1).Path, SideTasks.Prefill, "tokens/s", 2, 1.0, Types);
        yield return new PairedLine("decode", $"Decoding of {steps} tokens after {before}, one stream, the same model",
            () => LanguageModelFolder.Prepare(At("llama-decode"), language, before, steps).Path, SideTasks.Decode, "tokens/s", 3, 1.5, Types);
        yield return Train("train-135m", "VPiT step, SmolLM2 135M shape", ModelShapes.SmolLM135M);
        yield return Train("train-360m", "VPiT step, SmolLM2 360M shape", ModelShapes.SmolLM360M);
    }

    private IEnumerable<BenchmarkLine> Solo()
    {
        yield return new SoloLine("open", "Opening the 1B model (first time in a process, compilation included)",
            () => LanguageModelFolder.Prepare(At("llama-prefill"), _shrink ? ModelShapes.LlamaTiny : ModelShapes.Llama1B, _shrink ? 48 : 512, 1).Path,
            [SideTasks.Open], 3, "< 100 ms", JudgeOpening);
        yield return new SoloLine("memory", $"Resident size over {MemoryTask.Calls} calls after as many (encode a picture, answer a prompt)",
            () => PipelineFolder.Prepare(At("memory"), ModelShapes.SiglipTiny, ModelShapes.LlamaTiny), [SideTasks.Memory], 1, MemoryBar, JudgeMemory);
        yield return Overhead("encode", SideTasks.EncodeOverhead);
        yield return Overhead("generate", SideTasks.GenerateOverhead);
    }

    private PairedLine Encode(string name, string title, SiglipVisionConfig config, int batch, int repeats)
        => new(name, $"{title}, {batch} pictures", () => SiglipFolder.Prepare(At(name), _shrink ? ModelShapes.SiglipTiny : config, batch).Path, SideTasks.Encode, "pictures/s", repeats, 1.0, Types);

    private PairedLine Train(string name, string title, LanguageModelConfig config)
        => new(name, $"{title}, 8 rows of {(_shrink ? 12 : 40)} to {(_shrink ? 40 : 250)} positions", () => _shrink
            ? TrainingFolder.Prepare(At(name), ModelShapes.MetaMorph(ModelShapes.LlamaTiny, 4, 32), 8, 12, 40).Path
            : TrainingFolder.Prepare(At(name), ModelShapes.MetaMorph(config, 64, 1152), 8, 40, 250).Path, SideTasks.Train, "positions/s", 2, 1.3, Layouts);

    private SoloLine Overhead(string part, string task)
        => new("pipeline-overhead-" + part, $"Pipeline over direct calls: {(part == "encode" ? "EncodeImages" : "GenerateResponse")}", () => PipelineFolder.Prepare(At("pipeline"),
            _shrink ? ModelShapes.SiglipTiny : ModelShapes.SiglipSmall, _shrink ? ModelShapes.LlamaTiny : ModelShapes.LlamaSmall), [task], _shrink ? 3 : 16, $"≤ {OverheadBar:P0}", JudgeOverhead);

    private string At(string name) => Path.Combine(_models, _shrink ? name + "-shrunk" : name);

    private static (string, bool) JudgeOpening(IReadOnlyList<SideResult> results)
    {
        Spread first = Spread.Of([.. results.SelectMany(r => r.Seconds)]), again = Spread.Of([.. results.Select(r => r.Figures["againSeconds"])]);
        return (Text($"{results[0].Figures["sizeMiB"]:F0} MiB: {first.Median * 1e3:F1} ms, later {again.Median * 1e3:F1} ms, {results.Max(r => r.Figures["residentMiB"]):F1} MiB resident"), first.Median < OpenBarSeconds);
    }

    /// <summary>Growth of the resident size, and of the number of tensors, between two looks.</summary>
    public static (string, bool) JudgeMemory(IReadOnlyList<SideResult> results)
    {
        double grown = results.Max(r => r.Figures["grownMiB"]), tensors = results.Max(r => r.Figures["grownTensors"]);
        return (Text($"{results[0].Figures["beforeMiB"]:F0} MiB, then {grown:+0.0;-0.0} MiB and {tensors:+0;-0;0} tensors"), grown < MemoryBarMiB && tensors <= 0);
    }

    private static (string, bool) JudgeOverhead(IReadOnlyList<SideResult> results)
    {
        Spread overhead = Spread.Of([.. results.Select(r => r.Figures["overhead"])]);
        return (Text($"{overhead.Median:+0.0%;-0.0%} ({overhead.Least:+0.0%;-0.0%} to {overhead.Largest:+0.0%;-0.0%})"), overhead.Median <= OverheadBar);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
