using System.Globalization;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A process that trains a step of a model of some size, and prints what was planned and what it took.</summary>
internal static class TrainingPeak
{
    /// <summary>Sizes with 7, 29 and 134 million parameters; the last shares keys between heads, as most published models do.</summary>
    private static readonly Dictionary<string, LanguageModelArchitecture> Shapes = new()
    {
        ["7M"] = new() { HiddenSize = 256, IntermediateSize = 1024, LayerCount = 6, HeadCount = 4, KeyValueHeadCount = 4 },
        ["30M"] = new() { HiddenSize = 384, IntermediateSize = 1536, LayerCount = 12, HeadCount = 6, KeyValueHeadCount = 6 },
        ["135M"] = new() { HiddenSize = 576, IntermediateSize = 1536, LayerCount = 37, HeadCount = 9, KeyValueHeadCount = 3 },
    };

    /// <summary>The child: its last line is the planned and the measured peak in bytes.</summary>
    /// <param name="shape">One of the sizes.</param>
    /// <param name="precision">In which element type is computed.</param>
    /// <param name="checkpointing">Whether activations are computed again.</param>
    /// <param name="budget">Positions of a sequence.</param>
    /// <param name="adapter">How the frozen base of an adapter is held, and the folder that it lies in (<see cref="SaveStart"/>); null: the weights themselves learn.</param>
    public static void Print(string shape, Precision precision, bool checkpointing, int budget, (FrozenWeights Weights, string Folder)? adapter = null)
    {
        var ml = new MLContext(seed: 1);
        string[] words = [.. Enumerable.Range(0, 40).Select(i => $"word{i}")];
        IDataView rows = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 64).Select(i => new EncodedRow { Prompt = "Say it.", Response = string.Join(' ', words.Skip(i % 3)), VisualTokens = [] }).ToArray());
        var options = new VisualPredictiveInstructionTuningTrainer.Options
        {
            Architecture = Shapes[shape],
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 270 },
            // As many rows of 134 positions as fill one sequence and begin another.
            Training = new VisualPredictiveTrainingOptions { BatchSize = budget / 134 + 1, MaximumSteps = 1, SequenceBudget = budget, ActivationCheckpointing = checkpointing, Precision = precision },
        };
        if (adapter is { } frozen)
        {
            (options.PretrainedFolder, options.Architecture, options.TokenizerTraining) = (frozen.Folder, null, null);
            options.Training = options.Training with { LowRank = new LowRankOptions { FrozenWeights = frozen.Weights } };
        }

        VisualPredictiveInstructionTuningTrainer trainer = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options);
        TrainingPlan plan = trainer.Plan(rows);
        Console.WriteLine(plan);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"before: {Status("VmRSS")}"));
        trainer.Fit(rows).Dispose();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{plan.PeakMemory} {Status("VmHWM")}"));
    }

    /// <summary>Writes a folder to train an adapter from.</summary>
    public static void SaveStart(string shape, string folder)
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["Say it.", .. Enumerable.Range(0, 40).Select(i => $"word{i}")], new BytePairTrainingOptions { VocabularySize = 270 });
        using TrainableModel made = TrainableModel.Fresh(Shapes[shape], tokenizer, new VisualTokenSizes(4, 8), TorchSharp.torch.CPU, seed: 1);
        Directory.CreateDirectory(folder);
        made.Text.Tokenizer.Save(folder);
        File.WriteAllBytes(Path.Combine(folder, "config.json"), JsonFile.Bytes(made.Model.Config.Write));
        SafeTensorsWriter.WriteSharded(folder, made.Model.named_parameters().Select(entry => KeyValuePair.Create(entry.name, (TorchSharp.torch.Tensor)entry.parameter)));
    }

    private static long Status(string name)
    {
        string line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return 1024 * long.Parse(line[(name.Length + 1)..^2].Trim(), CultureInfo.InvariantCulture);
    }
}
