using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;
using TorchSharp;

namespace FineTune;

/// <summary>All that decides what a training gives; kept in <c>run.json</c>, from which it goes on.</summary>
internal sealed record RunSettings
{
    /// <summary>The file of rows.</summary>
    public required string Data { get; init; }

    /// <summary>SHA-256 of that file, once it was read: a training does not go on with other rows.</summary>
    public string? DataHash { get; init; }

    /// <summary>The folder in which paths of pictures begin.</summary>
    public required string Images { get; init; }

    /// <summary>Where the language model starts; null for nothing.</summary>
    public string? Model { get; init; }

    /// <summary>The image encoder; null for one of its own.</summary>
    public string? Encoder { get; init; }

    /// <summary>Optimizer steps of each training; null where time ends it.</summary>
    public int? Steps { get; init; }

    /// <summary>Time for everything.</summary>
    public double? Hours { get; init; }

    public int CheckpointEvery { get; init; } = 20;

    public int Seed { get; init; } = 1;

    /// <summary>Rank of an adapter; null where all weights learn.</summary>
    public int? LowRank { get; init; }

    /// <summary>Whether the weights beside an adapter are held in eight bits.</summary>
    public bool Int8 { get; init; }

    public int BatchSize { get; init; } = 16;

    /// <summary>Null for one that suits the start.</summary>
    public double? LearningRate { get; init; }

    public int MaximumLength { get; init; } = 4096;

    /// <summary>Fixed, for what is measured may be chosen otherwise by the run that goes on.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Threads that compute: other numbers of them give other last bits.</summary>
    public int? Threads { get; init; }

    public int? Gpu { get; init; }

    /// <summary>Sizes that were asked for.</summary>
    public SizeWishes Wishes { get; init; } = new();

    /// <summary>Sizes as the data and the wishes decide them; null before the data were read.</summary>
    public ModelSizes? Sizes { get; init; }

    /// <summary>Whether any row has a picture.</summary>
    [JsonIgnore]
    public bool HasPictures => Sizes!.Pictures > 0;

    /// <summary>Whether an encoder is trained here.</summary>
    [JsonIgnore]
    public bool TrainsEncoder => Encoder is null && HasPictures;

    /// <summary>Whether a tokenizer is trained here.</summary>
    [JsonIgnore]
    public bool TrainsTokenizer => Model is null || TrainsEncoder;

    /// <summary>The same with all that the data and the machine decide, which a run decides once.</summary>
    public RunSettings Decide()
    {
        var rows = new TrainingRows(this);
        return this with { DataHash = HashOf(Data), Sizes = ModelSizes.Of(rows, Wishes), Threads = Threads ?? torch.get_num_threads() };
    }

    /// <summary>The context of ML.NET, with seed and device.</summary>
    public MLContext CreateContext() => new(Seed) { GpuDeviceId = Gpu, FallbackToCpu = false };

    /// <summary>SHA-256 of a file.</summary>
    public static string HashOf(string file)
    {
        using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
