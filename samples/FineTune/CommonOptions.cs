using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace FineTune;

/// <summary>Options that several commands have, each checked when it is read: before anything is done.</summary>
internal static class CommonOptions
{
    public static Option<string> Data()
    {
        var option = new Option<string>("--data") { Description = "The rows: a JSON Lines file or JSON array of conversations, as LLaVA ('conversations') or Hugging Face ('messages') has them", Required = true };
        option.Validators.Add(result => Require(result, value => File.Exists(value), "there is no such file"));
        return option;
    }

    public static Option<string?> Images()
    {
        var option = new Option<string?>("--images") { Description = "The folder in which paths of pictures begin; without it that of --data" };
        option.Validators.Add(result => Require(result, value => Directory.Exists(value), "there is no such folder"));
        return option;
    }

    /// <summary>A folder that need not be there yet.</summary>
    public static Option<string> Out()
    {
        var option = new Option<string>("--out") { Description = "The folder of the run", Required = true };
        option.Validators.Add(result => Require(result, value => value.Length > 0 && !File.Exists(value), "it must be a folder"));
        return option;
    }

    /// <summary>A folder with a run in it.</summary>
    public static Option<string> Run()
    {
        Option<string> option = Out();
        option.Validators.Add(result => Require(result, value => new OutputFolder(value).HoldsRun, "there is no run in it ('train' makes one)"));
        return option;
    }

    /// <summary>A folder in Hugging Face layout, or a name of the local cache: the library says what is wrong with those.</summary>
    public static Option<string?> Pretrained(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description };
        option.Validators.Add(result => Require(result, value => value.Length > 0 && !File.Exists(value), "it must be a folder, or the name (org/name) of a model in the local Hugging Face cache"));
        return option;
    }

    public static Option<string?> Json()
    {
        var option = new Option<string?>("--json") { Description = "A file for the same as JSON" };
        option.Validators.Add(result => Require(result, value => Path.GetFileName(value).Length > 0 && !Directory.Exists(value), "it must be the name of a file"));
        return option;
    }

    public static Option<int> MaximumTokens() => new("--max-tokens")
    {
        Description = "Positions that an answer may have; a picture takes one for each of its visual tokens",
        DefaultValueFactory = _ => 256,
        CustomParser = result => Whole("--max-tokens", result, least: 1) ?? 0,
    };

    /// <summary>A whole number from a bound on, or a multiple of one.</summary>
    public static Option<int?> Count(string name, string description, int least = 1, int multipleOf = 1, bool hidden = false)
        => new(name) { Description = description, Hidden = hidden, CustomParser = result => Whole(name, result, least, multipleOf) };

    /// <summary>A number above zero.</summary>
    public static Option<double?> Amount(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            string given = result.Tokens[0].Value;
            if (double.TryParse(given, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value is > 0 and < double.PositiveInfinity) return value;
            result.AddError($"{name} is '{given}'; it must be a number above 0.");
            return null;
        },
    };

    /// <summary>The full path of a folder; a name of the cache stays as it is.</summary>
    public static string? FolderOrName(string? value) => Directory.Exists(value) ? Path.GetFullPath(value) : value;

    private static int? Whole(string name, ArgumentResult result, int least, int multipleOf = 1)
    {
        string given = result.Tokens[0].Value;
        bool isNumber = int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= least;
        if (isNumber && value % multipleOf == 0) return value;
        result.AddError(isNumber ? $"{name} is '{given}'; it must be a multiple of {multipleOf}." : $"{name} is '{given}'; it must be a whole number of at least {least}.");
        return null;
    }

    private static void Require(OptionResult result, Func<string, bool> isRight, string problem)
    {
        if (result.GetValueOrDefault<string?>() is { } value && !isRight(value)) result.AddError($"{result.Option.Name} is '{value}'; {problem}.");
    }
}
