using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

internal sealed partial record SchedulerConfig
{
    private static readonly (DiffusionSchedulerKind Value, string Name)[] Kinds =
    [
        (DiffusionSchedulerKind.Pndm, "PNDMScheduler"),
        (DiffusionSchedulerKind.Ddim, "DDIMScheduler"),
        (DiffusionSchedulerKind.Euler, "EulerDiscreteScheduler"),
        (DiffusionSchedulerKind.EulerAncestral, "EulerAncestralDiscreteScheduler"),
        (DiffusionSchedulerKind.DpmSolverMultistep, "DPMSolverMultistepScheduler"),
        (DiffusionSchedulerKind.Ddpm, "DDPMScheduler"),
    ];

    private static readonly (BetaSchedule Value, string Name)[] BetaSchedules = [(BetaSchedule.Linear, "linear"), (BetaSchedule.ScaledLinear, "scaled_linear"), (BetaSchedule.SquaredCosine, "squaredcos_cap_v2")];

    private static readonly (DiffusionPrediction Value, string Name)[] Predictions = [(DiffusionPrediction.Epsilon, "epsilon"), (DiffusionPrediction.Velocity, "v_prediction"), (DiffusionPrediction.Sample, "sample")];

    private static readonly (TimestepSpacing Value, string Name)[] Spacings = [(TimestepSpacing.Leading, "leading"), (TimestepSpacing.Linspace, "linspace"), (TimestepSpacing.Trailing, "trailing")];

    private static readonly (SigmaSpacing Value, string Name)[] SigmaSpacings = [(SigmaSpacing.Karras, "use_karras_sigmas"), (SigmaSpacing.Exponential, "use_exponential_sigmas"), (SigmaSpacing.LogSignalToNoise, "use_lu_lambdas")];

    private static readonly (FinalSigma Value, string Name)[] FinalSigmas = [(FinalSigma.Zero, "zero"), (FinalSigma.SigmaMin, "sigma_min")];

    private static readonly (SolverType Value, string Name)[] SolverTypes = [(SolverType.Midpoint, "midpoint"), (SolverType.Heun, "heun")];

    private static readonly (PosteriorVariance Value, string Name)[] Variances = [(PosteriorVariance.FixedSmall, "fixed_small"), (PosteriorVariance.FixedSmallLog, "fixed_small_log"), (PosteriorVariance.FixedLarge, "fixed_large")];

    private static readonly (bool Value, string Name)[] Algorithms = [(false, "dpmsolver++"), (true, "sde-dpmsolver++")];

    private static readonly (bool Value, string Name)[] Interpolations = [(false, "linear"), (true, "log_linear")];

    private static readonly (bool Value, string Name)[] TimestepTypes = [(false, "discrete"), (true, "continuous")];

    // What would change the picture if it were passed over.
    private static readonly string[] Refused = ["thresholding", "use_beta_sigmas", "use_flow_sigmas", "use_dynamic_shifting"];

    // Without effect while the switch that they belong to is off.
    private static readonly string[] Idle = ["dynamic_thresholding_ratio", "sample_max_value", "flow_shift", "time_shift_type"];

    private static readonly HashSet<string> Known =
    [
        "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type", "timestep_spacing", "steps_offset",
        "rescale_betas_zero_snr", "set_alpha_to_one", "skip_prk_steps", "clip_sample", "clip_sample_range", "use_karras_sigmas", "use_exponential_sigmas",
        "use_lu_lambdas", "sigma_min", "sigma_max", "interpolation_type", "timestep_type", "final_sigmas_type", "algorithm_type", "solver_order",
        "solver_type", "lower_order_final", "euler_at_final", "lambda_min_clipped", "variance_type", .. Refused, .. Idle,
    ];

    /// <summary>Reads the text of a <c>scheduler_config.json</c>.</summary>
    /// <exception cref="InvalidDataException">It is not JSON, has unknown fields, or asks for what there is not here.</exception>
    public static SchedulerConfig Parse(string json)
    {
        try
        {
            // diffusers writes the default of this field so, which is not JSON; it means no limit.
            using JsonDocument document = JsonDocument.Parse(MinusInfinity().Replace(json, "$1null"));
            return FromJson(document.RootElement);
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"scheduler_config.json is not JSON: {error.Message}", error);
        }
    }

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="json">The object.</param>
    /// <param name="kind">The scheduler where <c>_class_name</c> is absent; null: it must be there.</param>
    /// <exception cref="InvalidDataException">It has unknown fields, or asks for what there is not here.</exception>
    public static SchedulerConfig FromJson(JsonElement json, DiffusionSchedulerKind? kind = null)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new InvalidDataException("scheduler_config.json must be an object.");
        CheckFields(json);
        SchedulerConfig config = Read(json, kind);
        config.Validate();
        return config;
    }

    /// <summary>Writes the object in diffusers' form; nulls are left out, which there means the default.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("_class_name", Name(Kinds, Kind));
        writer.WriteNumber("num_train_timesteps", TrainingSteps);
        writer.WriteNumber("beta_start", BetaStart);
        writer.WriteNumber("beta_end", BetaEnd);
        writer.WriteString("beta_schedule", Name(BetaSchedules, BetaSchedule));
        WriteBetas(writer);
        writer.WriteString("prediction_type", Name(Predictions, Prediction));
        if (Spacing is { } spacing) writer.WriteString("timestep_spacing", Name(Spacings, spacing));
        writer.WriteNumber("steps_offset", StepsOffset);
        if (RescaleBetasZeroSnr) writer.WriteBoolean("rescale_betas_zero_snr", true);
        Flag(writer, "set_alpha_to_one", SetAlphaToOne);
        Flag(writer, "skip_prk_steps", SkipPrkSteps);
        Flag(writer, "clip_sample", ClipSample);
        Number(writer, "clip_sample_range", ClipSampleRange == 1 ? null : ClipSampleRange);
        WriteSigmas(writer);
        WriteSolver(writer);
        if (Variance != PosteriorVariance.FixedSmall) writer.WriteString("variance_type", Name(Variances, Variance));
        writer.WriteEndObject();
    }

    private static SchedulerConfig Read(JsonElement json, DiffusionSchedulerKind? kind) => new()
    {
        Keys = ConfigKeys.Of(json),
        Kind = ConfigJson.Text(json, "_class_name") is null && kind is { } given ? given : Choice(json, "_class_name", Kinds) ?? throw new InvalidDataException($"scheduler_config.json lacks '_class_name', which says whose defaults hold for what it leaves away; it must be one of {string.Join(", ", Kinds.Select(known => known.Name))}."),
        TrainingSteps = ConfigJson.Size(json, "num_train_timesteps", 1000),
        BetaStart = ConfigJson.Number(json, "beta_start", 0.0001),
        BetaEnd = ConfigJson.Number(json, "beta_end", 0.02),
        BetaSchedule = Choice(json, "beta_schedule", BetaSchedules) ?? BetaSchedule.Linear,
        TrainedBetas = Betas(json),
        Prediction = Choice(json, "prediction_type", Predictions) ?? DiffusionPrediction.Epsilon,
        Spacing = Choice(json, "timestep_spacing", Spacings),
        StepsOffset = ConfigJson.Integer(json, "steps_offset", 0),
        RescaleBetasZeroSnr = ConfigJson.Flag(json, "rescale_betas_zero_snr", false),
        SetAlphaToOne = OptionalFlag(json, "set_alpha_to_one"),
        SkipPrkSteps = OptionalFlag(json, "skip_prk_steps"),
        ClipSample = OptionalFlag(json, "clip_sample"),
        ClipSampleRange = ConfigJson.Number(json, "clip_sample_range", 1),
        SigmaSpacing = Sigmas(json),
        SigmaMin = OptionalNumber(json, "sigma_min"),
        SigmaMax = OptionalNumber(json, "sigma_max"),
        LogLinearInterpolation = Choice(json, "interpolation_type", Interpolations) ?? false,
        ContinuousTimesteps = Choice(json, "timestep_type", TimestepTypes) ?? false,
        FinalSigma = Choice(json, "final_sigmas_type", FinalSigmas) ?? FinalSigma.Zero,
        SolverOrder = ConfigJson.Integer(json, "solver_order", 2),
        SolverType = Choice(json, "solver_type", SolverTypes) ?? SolverType.Midpoint,
        Stochastic = Choice(json, "algorithm_type", Algorithms) ?? false,
        LowerOrderFinal = ConfigJson.Flag(json, "lower_order_final", true),
        EulerAtFinal = ConfigJson.Flag(json, "euler_at_final", false),
        LambdaMinClipped = OptionalNumber(json, "lambda_min_clipped"),
        Variance = Choice(json, "variance_type", Variances) ?? PosteriorVariance.FixedSmall,
    };

    private static void CheckFields(JsonElement json)
    {
        string[] unknown = [.. json.EnumerateObject().Select(field => field.Name).Where(name => !name.StartsWith('_') && !Known.Contains(name)).Order(StringComparer.Ordinal)];
        if (unknown.Length > 0)
            throw new InvalidDataException($"scheduler_config.json has unknown {(unknown.Length == 1 ? "field" : "fields")} '{string.Join("', '", unknown)}', which may change the pictures. Choose another scheduler for this model, or remove what it can do without. Known: {string.Join(", ", Known.Order(StringComparer.Ordinal))}.");
        string[] refused = [.. Refused.Where(name => ConfigJson.Flag(json, name, false))];
        if (refused.Length > 0)
            throw new InvalidDataException($"scheduler_config.json switches on '{string.Join("', '", refused)}', which is not supported. Set it to false or choose another scheduler for this model.");
    }

    private static SigmaSpacing Sigmas(JsonElement json)
    {
        (SigmaSpacing Value, string Name)[] chosen = [.. SigmaSpacings.Where(choice => ConfigJson.Flag(json, choice.Name, false))];
        if (chosen.Length > 1) throw new InvalidDataException($"scheduler_config.json switches on '{string.Join("' and '", chosen.Select(choice => choice.Name))}'; at most one of them can be.");
        return chosen.Length == 0 ? SigmaSpacing.Timesteps : chosen[0].Value;
    }

    private static float[]? Betas(JsonElement json)
    {
        if (!ConfigJson.TryGet(json, "trained_betas", out JsonElement list)) return null;
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(value => value.ValueKind != JsonValueKind.Number)) throw new InvalidDataException("scheduler_config.json: 'trained_betas' must be a list of numbers.");
        return [.. list.EnumerateArray().Select(value => value.GetSingle())];
    }

    private static bool? OptionalFlag(JsonElement json, string key) => ConfigJson.TryGet(json, key, out _) ? ConfigJson.Flag(json, key, false) : null;

    private static double? OptionalNumber(JsonElement json, string key) => ConfigJson.TryGet(json, key, out _) ? ConfigJson.Number(json, key) : null;

    private static T? Choice<T>(JsonElement json, string key, (T Value, string Name)[] choices)
        where T : struct
    {
        if (ConfigJson.Text(json, key) is not { } text) return null;
        foreach ((T value, string name) in choices)
            if (name == text) return value;
        throw new InvalidDataException($"scheduler_config.json: '{key}' is '{text}', which is not supported; it may be {string.Join(", ", choices.Select(choice => $"'{choice.Name}'"))}.");
    }

    private static string Name<T>((T Value, string Name)[] choices, T value) => choices.First(choice => EqualityComparer<T>.Default.Equals(choice.Value, value)).Name;

    private void WriteBetas(Utf8JsonWriter writer)
    {
        if (TrainedBetas is null) return;
        writer.WriteStartArray("trained_betas");
        foreach (float beta in TrainedBetas) writer.WriteNumberValue(beta);
        writer.WriteEndArray();
    }

    private void WriteSigmas(Utf8JsonWriter writer)
    {
        if (SigmaSpacing != SigmaSpacing.Timesteps) writer.WriteBoolean(Name(SigmaSpacings, SigmaSpacing), true);
        Number(writer, "sigma_min", SigmaMin);
        Number(writer, "sigma_max", SigmaMax);
        if (LogLinearInterpolation) writer.WriteString("interpolation_type", Name(Interpolations, true));
        if (ContinuousTimesteps) writer.WriteString("timestep_type", Name(TimestepTypes, true));
        if (FinalSigma != FinalSigma.Zero) writer.WriteString("final_sigmas_type", Name(FinalSigmas, FinalSigma));
    }

    private void WriteSolver(Utf8JsonWriter writer)
    {
        if (Stochastic || Kind == DiffusionSchedulerKind.DpmSolverMultistep) writer.WriteString("algorithm_type", Name(Algorithms, Stochastic));
        Number(writer, "solver_order", SolverOrder == 2 ? null : SolverOrder);
        if (SolverType != SolverType.Midpoint) writer.WriteString("solver_type", Name(SolverTypes, SolverType));
        if (!LowerOrderFinal) writer.WriteBoolean("lower_order_final", false);
        if (EulerAtFinal) writer.WriteBoolean("euler_at_final", true);
        Number(writer, "lambda_min_clipped", LambdaMinClipped);
    }

    private static void Flag(Utf8JsonWriter writer, string key, bool? value)
    {
        if (value is { } given) writer.WriteBoolean(key, given);
    }

    private static void Number(Utf8JsonWriter writer, string key, double? value)
    {
        if (value is { } given) writer.WriteNumber(key, given);
    }

    [GeneratedRegex("(\"lambda_min_clipped\"\\s*:\\s*)-Infinity", RegexOptions.CultureInvariant)]
    private static partial Regex MinusInfinity();
}
