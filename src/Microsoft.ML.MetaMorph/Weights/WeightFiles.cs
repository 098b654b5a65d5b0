using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>Chooses the file of weights in a Hugging Face folder: safetensors before torch files, one file before shards.</summary>
internal static partial class WeightFiles
{
    /// <summary>The names that transformers, diffusers and PEFT write, in the order in which they are preferred.</summary>
    private static readonly (string Stem, string Extension)[] Standard =
    [
        ("model", "safetensors"),
        ("diffusion_pytorch_model", "safetensors"),
        ("adapter_model", "safetensors"),
        ("pytorch_model", "bin"),
        ("diffusion_pytorch_model", "bin"),
        ("adapter_model", "bin"),
        ("mm_projector", "bin"),
    ];

    /// <summary>The file, or the index of shards, in <paramref name="folder"/>.</summary>
    /// <param name="folder">A folder.</param>
    /// <param name="variant">Such as <c>fp16</c> for <c>model.fp16.safetensors</c>; null for the plain files.</param>
    /// <exception cref="FileNotFoundException">There is none, or several without a standard name; the message lists what was looked for and what is there.</exception>
    public static string Choose(string folder, string? variant = null)
    {
        if (variant is not null && !VariantName().IsMatch(variant)) throw new ArgumentException($"'{variant}' cannot be the name of a variant.", nameof(variant));
        string[] names = [.. Standard.SelectMany(s => Names(s.Stem, s.Extension, variant))];
        if (names.Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists) is { } standard) return standard;
        string[] present = [.. Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)!).Where(f => AnyWeights().IsMatch(f)).Order(StringComparer.Ordinal)];
        if (variant is null)
        {
            // One lone file needs no standard name, except that a variant is never taken for the plain weights.
            foreach (string extension in new[] { ".safetensors", ".bin", ".pt", ".pth" })
            {
                string[] lone = [.. present.Where(f => f.EndsWith(extension, StringComparison.Ordinal))];
                if (lone.Length == 1 && !IsVariantOrShard(lone[0])) return Path.Combine(folder, lone[0]);
                if (lone.Length > 0) break;
            }
        }
        throw new FileNotFoundException(Explain(folder, variant, names, present), folder);
    }

    /// <summary>Whether a file is an index of shards: <c>*.index.json</c>, or with a variant as diffusers writes it, <c>*.index.fp16.json</c>.</summary>
    public static bool IsIndex(string path) => IndexName().IsMatch(path);

    private static IEnumerable<string> Names(string stem, string extension, string? variant) => variant is null
        ? [$"{stem}.{extension}", $"{stem}.{extension}.index.json"]
        : [$"{stem}.{variant}.{extension}", $"{stem}.{extension}.index.{variant}.json", $"{stem}.{variant}.{extension}.index.json", $"{stem}.{extension}.{variant}.index.json"];

    private static bool IsVariantOrShard(string file) => ShardName().IsMatch(file) || Standard.Any(s => file.StartsWith(s.Stem + ".", StringComparison.Ordinal) && file.EndsWith("." + s.Extension, StringComparison.Ordinal) && file.Length > s.Stem.Length + s.Extension.Length + 1);

    private static string Explain(string folder, string? variant, string[] names, string[] present)
    {
        string message = $"'{folder}' holds no {(variant is null ? "" : $"{variant} ")}weights under a standard name. Looked for: {string.Join(", ", names)}.";
        return present.Length == 0 ? message + " There is no file of weights at all."
            : message + $" There are: {string.Join(", ", present)}. Name one of them, or choose its variant.";
    }

    [GeneratedRegex(@"^[A-Za-z0-9_-]+$", RegexOptions.CultureInvariant)]
    private static partial Regex VariantName();

    [GeneratedRegex(@"-\d{5}-of-\d{5}\.", RegexOptions.CultureInvariant)]
    private static partial Regex ShardName();

    [GeneratedRegex(@"\.index(\.[A-Za-z0-9_-]+)?\.json$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex IndexName();

    [GeneratedRegex(@"\.(safetensors|bin|pt|pth|index\.json|index\.[A-Za-z0-9_-]+\.json)$", RegexOptions.CultureInvariant)]
    private static partial Regex AnyWeights();
}
