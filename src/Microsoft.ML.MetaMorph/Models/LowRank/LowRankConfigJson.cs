using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>A <see cref="LowRankConfig"/> as PEFT's <c>adapter_config.json</c>.</summary>
/// <remarks>An entry that would change the arithmetic and is not known is an error, never passed over; entries that say "nothing of that" (null, false, empty) are.</remarks>
internal static class LowRankConfigJson
{
    private const string LoraType = "LORA";

    /// <summary>Entries that are read.</summary>
    private static readonly HashSet<string> Read =
    [
        "peft_type", "r", "lora_alpha", "use_rslora", "lora_dropout", "target_modules", "exclude_modules", "rank_pattern", "alpha_pattern", "modules_to_save", "bias", "init_lora_weights",
    ];

    /// <summary>Entries that say nothing about what is computed, or only beside one that is refused.</summary>
    private static readonly HashSet<string> Inert =
    [
        "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode", "peft_version", "megatron_core", "qalora_group_size", "runtime_config", "ensure_weight_tying",
    ];

    /// <summary>Ways to begin that leave the base as it is; others take something out of it that a stored adapter counts on.</summary>
    private static readonly string[] HarmlessStarts = ["gaussian", "eva", "orthogonal"];

    /// <exception cref="InvalidDataException">An entry is missing or cannot be.</exception>
    /// <exception cref="NotSupportedException">An entry asks for something that is not built.</exception>
    public static LowRankConfig Parse(JsonElement json)
    {
        if (ConfigJson.Text(json, "peft_type") is not LoraType) throw new NotSupportedException($"'peft_type' is {Raw(json, "peft_type")}; only \"{LoraType}\" is supported.");
        RefuseUnsupported(json);
        var config = new LowRankConfig
        {
            Rank = ConfigJson.Size(json, "r"),
            Alpha = ConfigJson.Number(json, "lora_alpha"),
            RankStabilized = ConfigJson.Flag(json, "use_rslora", absent: false),
            Dropout = ConfigJson.Number(json, "lora_dropout", absent: 0),
            Targets = Names(json, "target_modules") ?? throw new InvalidDataException("'target_modules' is missing; it must be a list of names, a pattern, or \"all-linear\"."),
            Excluded = Names(json, "exclude_modules"),
            RankPattern = Pattern(json, "rank_pattern", (patterns, key) => ConfigJson.Size(patterns, key)),
            AlphaPattern = Pattern(json, "alpha_pattern", (patterns, key) => ConfigJson.Number(patterns, key)),
            ModulesToSave = Names(json, "modules_to_save")?.Names ?? [],
        };
        if (config.Dropout is < 0 or >= 1) throw new InvalidDataException($"'lora_dropout' is {Raw(json, "lora_dropout")}; it must be at least 0 and below 1.");
        return config;
    }

    /// <summary>Writes it as PEFT reads it.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="config">The adapter.</param>
    /// <param name="tied">Whether a saved embedding table is the output matrix too.</param>
    public static void Write(Utf8JsonWriter writer, LowRankConfig config, bool tied = false)
    {
        writer.WriteStartObject();
        writer.WriteString("peft_type", LoraType);
        writer.WriteString("task_type", "CAUSAL_LM");
        writer.WriteNull("base_model_name_or_path");
        writer.WriteBoolean("inference_mode", true);
        writer.WriteNumber("r", config.Rank);
        WriteNumber(writer, "lora_alpha", config.Alpha);
        writer.WriteNumber("lora_dropout", config.Dropout);
        writer.WriteBoolean("use_rslora", config.RankStabilized);
        Write(writer, "target_modules", config.Targets);
        Write(writer, "exclude_modules", config.Excluded);
        writer.WriteStartObject("rank_pattern");
        foreach ((string key, int rank) in config.RankPattern) writer.WriteNumber(key, rank);
        writer.WriteEndObject();
        writer.WriteStartObject("alpha_pattern");
        foreach ((string key, double alpha) in config.AlphaPattern) WriteNumber(writer, key, alpha);
        writer.WriteEndObject();
        Write(writer, "modules_to_save", config.ModulesToSave.Count == 0 ? null : new ModuleNames(config.ModulesToSave));
        writer.WriteString("bias", "none");
        writer.WriteBoolean("fan_in_fan_out", false);
        writer.WriteBoolean("init_lora_weights", true);
        writer.WriteBoolean("use_dora", false);
        writer.WriteBoolean("ensure_weight_tying", tied);
        writer.WriteEndObject();
    }

    private static void RefuseUnsupported(JsonElement json)
    {
        if (ConfigJson.Text(json, "bias") is { } bias and not "none") throw new NotSupportedException($"'bias' is \"{bias}\"; adapters that train biases are not supported, only \"none\" is.");
        if (ConfigJson.TryGet(json, "init_lora_weights", out JsonElement start) && start.ValueKind == JsonValueKind.String && !HarmlessStarts.Contains(start.GetString(), StringComparer.OrdinalIgnoreCase))
            throw new NotSupportedException($"'init_lora_weights' is {start.GetRawText()}, which changes the base model's weights; convert the adapter with PEFT (save_pretrained with path_initial_model_for_weight_conversion).");
        foreach (JsonProperty entry in json.EnumerateObject())
        {
            if (Read.Contains(entry.Name) || Inert.Contains(entry.Name) || IsNothing(entry.Value)) continue;
            throw new NotSupportedException($"'{entry.Name}' is {Raw(json, entry.Name)}, which is not supported; a plain LoRA adapter has it null, false or empty. Merge the adapter with PEFT (merge_and_unload) and open the merged model instead.");
        }
    }

    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    private static ModuleNames? Names(JsonElement json, string key)
    {
        if (!ConfigJson.TryGet(json, key, out JsonElement value)) return null;
        if (value.ValueKind == JsonValueKind.String && key != "modules_to_save") return new ModuleNames([], value.GetString());
        bool isList = value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(name => name.ValueKind == JsonValueKind.String && name.GetString() is { Length: > 0 });
        if (!isList) throw new InvalidDataException($"'{key}' is {Raw(json, key)}; it must be a list of names.");
        return value.GetArrayLength() == 0 ? null : new ModuleNames([.. value.EnumerateArray().Select(name => name.GetString()!)]);
    }

    private static IReadOnlyList<KeyValuePair<string, T>> Pattern<T>(JsonElement json, string key, Func<JsonElement, string, T> read)
        => ConfigJson.Section(json, key) is { } patterns ? [.. patterns.EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, read(patterns, entry.Name)))] : [];

    private static string Raw(JsonElement json, string key) => ConfigJson.TryGet(json, key, out JsonElement value) ? value.GetRawText() : "missing";

    private static void Write(Utf8JsonWriter writer, string key, ModuleNames? names)
    {
        if (names is null)
        {
            writer.WriteNull(key);
            return;
        }
        if (names.Pattern is { } pattern)
        {
            writer.WriteString(key, pattern);
            return;
        }
        writer.WriteStartArray(key);
        foreach (string name in names.Names) writer.WriteStringValue(name);
        writer.WriteEndArray();
    }

    // PEFT declares α as a whole number.
    private static void WriteNumber(Utf8JsonWriter writer, string key, double value)
    {
        if (value == Math.Floor(value) && Math.Abs(value) < 1L << 53) writer.WriteNumber(key, (long)value);
        else writer.WriteNumber(key, value);
    }
}
