using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>Which files of a model are fetched, and why the others are not.</summary>
internal sealed partial class HubSelection
{
    private HubSelection(IReadOnlyList<HubFile> chosen, IReadOnlyList<HuggingFaceOmission> leftOut)
    {
        Chosen = chosen;
        LeftOut = leftOut;
    }

    public IReadOnlyList<HubFile> Chosen { get; }

    public IReadOnlyList<HuggingFaceOmission> LeftOut { get; }

    /// <summary>The patterns of a user, checked. One that ends with a slash means all that is below it.</summary>
    public static string[] Patterns(IEnumerable<string> files)
    {
        string[] patterns = [.. files.Select(f => string.IsNullOrWhiteSpace(f) ? throw new ArgumentException("A name or pattern in 'files' is empty.", nameof(files)) : f.EndsWith('/') ? f + "*" : f)];
        return patterns.Length > 0 ? patterns : throw new ArgumentException("'files' is empty. Give names or patterns, or leave it out.", nameof(files));
    }

    /// <summary>Whether a name matches: <c>*</c> stands for any text, slashes too, <c>?</c> for one character.</summary>
    public static bool Matches(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern.Replace(@"\", @"\\", StringComparison.Ordinal), name, ignoreCase: false);

    /// <summary>All that match one of the patterns.</summary>
    /// <exception cref="HuggingFaceHubException">A pattern matches nothing.</exception>
    public static HubSelection Matching(HubListing listing, string[] patterns)
    {
        foreach (string pattern in patterns)
        {
            if (!listing.Files.Any(f => Matches(pattern, f.Name)))
                throw new HuggingFaceHubException($"The model '{listing.Model}' has no file that matches '{pattern}' at commit {listing.Commit}. {Has(listing)}");
        }
        return Divide(listing, file => patterns.Any(p => Matches(p, file.Name)) ? null : "not asked for");
    }

    /// <summary>Weights in safetensors, or torch files where there are none; configurations; tokenizers.</summary>
    /// <exception cref="HuggingFaceHubException">The model has no weights that could be opened.</exception>
    public static HubSelection Default(HubListing listing)
    {
        var names = listing.Files.Select(f => f.Name).ToHashSet(StringComparer.Ordinal);
        HubSelection selection = Divide(listing, file => WhyNot(file.Name, names));
        if (selection.Chosen.Count > 0) return selection;
        throw new HuggingFaceHubException($"The model '{listing.Model}' has no weights in safetensors and no configuration. {Has(listing)} Name what is to be fetched.");
    }

    private static HubSelection Divide(HubListing listing, Func<HubFile, string?> whyNot)
    {
        (HubFile File, string? WhyNot)[] judged = [.. listing.Files.Select(f => (f, whyNot(f)))];
        return new HubSelection([.. judged.Where(j => j.WhyNot is null).Select(j => j.File)], [.. judged.Where(j => j.WhyNot is not null).Select(j => new HuggingFaceOmission(j.File.Name, j.WhyNot!))]);
    }

    private static string? WhyNot(string name, HashSet<string> all)
    {
        (string folder, string file) = Split(name);
        if (TrainingState().IsMatch(file)) return "the state of a training, not the model";
        if (TorchWeights().IsMatch(file)) return SafeTensorsInsteadOf(folder, all);
        if (file.EndsWith(".safetensors", StringComparison.Ordinal) || WeightFiles.IsIndex(file)) return OtherThanPlain(folder, file, all);
        return Description().IsMatch(file) ? null : "no weights in safetensors, no configuration and no tokenizer";
    }

    /// <summary>Torch files are taken where there is nothing better: in a model without safetensors, or in a part (a folder with a configuration of its own) without.</summary>
    private static string? SafeTensorsInsteadOf(string folder, HashSet<string> all)
    {
        bool IsSafe(string name) => name.EndsWith(".safetensors", StringComparison.Ordinal);
        if (all.Any(n => IsSafe(n) && Split(n).Folder == folder)) return "the same weights are there in safetensors";
        return all.Any(IsSafe) && !all.Contains(folder + "config.json") ? "the model has weights in safetensors" : null;
    }

    /// <summary>Another precision of weights that are taken, or all parts of a pipeline once more in one file.</summary>
    private static string? OtherThanPlain(string folder, string file, HashSet<string> all)
    {
        if (folder.Length == 0 && all.Contains("model_index.json")) return "the parts of the pipeline lie in folders of their own";
        if (VariantWeights().Match(file) is not { Success: true } variant) return null;
        string stem = variant.Groups["stem"].Value;
        bool hasPlain = all.Contains($"{folder}{stem}.safetensors") || all.Contains($"{folder}{stem}.safetensors.index.json");
        return hasPlain ? $"variant '{variant.Groups["variant"].Value}' of weights that are there without one" : null;
    }

    private static (string Folder, string File) Split(string name) => (name[..(name.LastIndexOf('/') + 1)], name[(name.LastIndexOf('/') + 1)..]);

    private static string Has(HubListing listing)
    {
        const int most = 40;
        string names = string.Join(", ", listing.Files.Take(most).Select(f => f.Name));
        return listing.Files.Count == 0 ? "It has no files at all." : $"It has: {names}{(listing.Files.Count > most ? $", and {listing.Files.Count - most} more" : "")}.";
    }

    [GeneratedRegex(@"^(training_args\.bin|trainer_state\.json|(optimizer|scheduler|scaler)\.(pt|bin)|rng_state.*\.pth)$", RegexOptions.CultureInvariant)]
    private static partial Regex TrainingState();

    [GeneratedRegex(@"\.(bin|pt|pth|bin\.index\.json|bin\.index\.[\w-]+\.json)$", RegexOptions.CultureInvariant)]
    private static partial Regex TorchWeights();

    [GeneratedRegex(@"(\.json|\.jinja|\.model|\.tiktoken|^merges\.txt|^vocab\.txt)$", RegexOptions.CultureInvariant)]
    private static partial Regex Description();

    [GeneratedRegex(@"^(?<stem>model|diffusion_pytorch_model|adapter_model)\.(?<variant>[A-Za-z_]\w*?)(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$|^(?<stem>model|diffusion_pytorch_model|adapter_model)\.safetensors\.index\.(?<variant>[\w-]+)\.json$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex VariantWeights();
}
