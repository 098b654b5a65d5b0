using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a low-rank adapter changes, and how strongly: the arithmetic of a published <c>adapter_config.json</c> (PEFT).</summary>
/// <remarks>Names of layers are those of the model's modules, such as <c>model.layers.0.self_attn.q_proj</c>.</remarks>
internal sealed record LowRankConfig
{
    /// <summary>Stands for every linear layer but the output matrix.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>The output matrix, which <see cref="AllLinear"/> leaves out.</summary>
    private const string OutputMatrix = "lm_head";

    // A pattern of a stranger's file may take for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Width of the bottleneck, at least 1.</summary>
    public required int Rank { get; init; }

    /// <summary>The change is scaled by this over the rank, or over its root.</summary>
    public required double Alpha { get; init; }

    /// <summary>Whether the scale is α / √r (arXiv 2312.03732) instead of α / r.</summary>
    public bool RankStabilized { get; init; }

    /// <summary>The share of the inputs that are dropped while the adapter learns, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>The adapted layers.</summary>
    public required ModuleNames Targets { get; init; }

    /// <summary>Layers that are left out in spite of <see cref="Targets"/>; null for none.</summary>
    public ModuleNames? Excluded { get; init; }

    /// <summary>Other ranks, each for the layers whose names end in a match of the pattern; the first that matches counts.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>The same for α.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary>Modules that learn in full beside the adapter, by a part of their names.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>Whether a linear layer is adapted.</summary>
    /// <param name="name">The layer's name.</param>
    public bool IsTarget(string name) => Excluded?.Match(name) != true && !IsSaved(name) && (Targets.IsAllLinear ? !IsOutput(name) : Targets.Match(name));

    /// <summary>Whether a module, or a parameter, belongs to <see cref="ModulesToSave"/>.</summary>
    public bool IsSaved(string name) => ModulesToSave.Any(module => $".{name}.".Contains($".{module}.", StringComparison.Ordinal));

    /// <summary>The rank of a layer.</summary>
    public int RankOf(string name) => Pattern(RankPattern, name, Rank);

    /// <summary>What B A x of a layer is multiplied by.</summary>
    public double ScaleOf(string name)
    {
        int rank = RankOf(name);
        return Pattern(AlphaPattern, name, Alpha) / (RankStabilized ? Math.Sqrt(rank) : rank);
    }

    /// <summary>Whether two adapters change the same layers in the same way.</summary>
    public bool IsLike(LowRankConfig other) => JsonFile.Bytes(writer => LowRankConfigJson.Write(writer, this)).AsSpan().SequenceEqual(JsonFile.Bytes(writer => LowRankConfigJson.Write(writer, other)));

    /// <summary>Whether <paramref name="name"/> matches a pattern of PEFT as a whole.</summary>
    /// <exception cref="InvalidDataException">The pattern is none, or takes too long.</exception>
    internal static bool IsWholeMatch(string pattern, string name)
    {
        try
        {
            return Regex.IsMatch(name, $@"\A(?:{pattern})\z", RegexOptions.CultureInvariant, Patience);
        }
        catch (ArgumentException failure)
        {
            throw new InvalidDataException($"The pattern '{pattern}' is no regular expression: {failure.Message}", failure);
        }
        catch (RegexMatchTimeoutException failure)
        {
            throw new InvalidDataException($"The pattern '{pattern}' takes more than {Patience.TotalSeconds:F0} s for the name '{name}'. Name the layers instead.", failure);
        }
    }

    private static T Pattern<T>(IReadOnlyList<KeyValuePair<string, T>> patterns, string name, T otherwise)
    {
        foreach ((string pattern, T value) in patterns)
        {
            if (IsWholeMatch($@"(?:.*\.)?(?:{pattern})", name)) return value;
        }
        return otherwise;
    }

    private static bool IsOutput(string name) => name == OutputMatrix || name.EndsWith("." + OutputMatrix, StringComparison.Ordinal);
}

/// <summary>Names of modules as PEFT has them: a list, of which a name ends in one, or one pattern for the whole name.</summary>
/// <param name="Names">The list; empty where there is a pattern.</param>
/// <param name="Pattern">The pattern.</param>
internal sealed record ModuleNames(IReadOnlyList<string> Names, string? Pattern = null)
{
    /// <summary>Whether it stands for all linear layers.</summary>
    public bool IsAllLinear => string.Equals(Pattern, LowRankConfig.AllLinear, StringComparison.OrdinalIgnoreCase);

    public bool Match(string name) => Pattern is not null ? LowRankConfig.IsWholeMatch(Pattern, name) : Names.Any(suffix => IsAt(suffix, name));

    /// <summary>Whether a name is <paramref name="suffix"/> or ends in it behind a dot.</summary>
    public static bool IsAt(string suffix, string name) => name == suffix || name.EndsWith("." + suffix, StringComparison.Ordinal);

    public override string ToString() => Pattern ?? string.Join(", ", Names);
}
