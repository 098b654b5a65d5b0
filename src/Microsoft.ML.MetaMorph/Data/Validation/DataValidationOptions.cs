namespace Microsoft.ML.MetaMorph;

/// <summary>What <see cref="MetaMorphDataValidator"/> looks at.</summary>
public sealed class DataValidationOptions
{
    /// <summary>Counts tokens and finds rows that are too long, by its chat template; <c>&lt;image_start&gt;</c> and <c>&lt;image_end&gt;</c> are added where it lacks them, as trainers do. Null: lengths are characters.</summary>
    public LanguageTokenizer? Tokenizer { get; set; }

    /// <summary>What the trainer will put before every conversation; null for nothing.</summary>
    public string? SystemMessage { get; set; }

    /// <summary>Positions of one picture: the encoder's visual tokens.</summary>
    public int TokensPerImage { get; set; } = 64;

    /// <summary>Positions beyond which the trainer will cut a row.</summary>
    public int MaximumLength { get; set; } = 4096;

    /// <summary>Whether every picture is read and decoded: most of the time of a validation.</summary>
    public bool DecodeImages { get; set; } = true;

    /// <summary>Whether rows with the same texts and pictures are found; about 60 bytes of memory a row. Pictures are compared by their bytes where they are decoded, else by their paths.</summary>
    public bool FindDuplicates { get; set; } = true;

    /// <summary>The most findings that are listed: 0 to 10,000,000. All are counted.</summary>
    public int MaximumFindings { get; set; } = 10_000;

    internal void Validate()
    {
        Require(nameof(TokensPerImage), TokensPerImage, 1, 65_536);
        Require(nameof(MaximumLength), MaximumLength, 1, int.MaxValue);
        Require(nameof(MaximumFindings), MaximumFindings, 0, 10_000_000);
    }

    private static void Require(string name, int value, int least, int most)
    {
        if (value < least || value > most) throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; {least} to {most} are possible.");
    }
}
