namespace Microsoft.ML.MetaMorph;

/// <summary>How rows become an <see cref="IDataView"/>; the defaults feed <c>EncodeImages("VisualTokens", "Image", encoder)</c> and <c>Trainers.VisualPredictiveInstructionTuning</c>.</summary>
public sealed class RowViewOptions
{
    /// <summary>The column of prompts: a vector of text, or text (<see cref="SeveralTurns"/>).</summary>
    public string PromptColumnName { get; set; } = DefaultColumnNames.Prompt;

    /// <summary>The column of responses, as the prompts.</summary>
    public string ResponseColumnName { get; set; } = DefaultColumnNames.Response;

    /// <summary>The column of pictures, those of prompts first. As bytes (<see cref="ImageForm"/>) every further picture has a column with a number behind this name: <c>Image</c>, <c>Image2</c>, <c>Image3</c>.</summary>
    public string ImageColumnName { get; set; } = DefaultColumnNames.Image;

    /// <summary>Whether prompts and responses are vectors, one text a turn. If not, they are scalars, and a row of several turns cannot be used.</summary>
    public bool SeveralTurns { get; set; } = true;

    /// <summary>Whether pictures stand as paths or as bytes.</summary>
    public RowImageForm ImageForm { get; set; } = RowImageForm.Auto;

    /// <summary>The most pictures of a row, and as bytes the number of columns: 1 to 1,024. A row with more cannot be used. As paths there may be any number where this is null; as bytes null means 1.</summary>
    public int? MaximumImages { get; set; }

    /// <summary>What becomes of a row's own system message.</summary>
    public SystemMessageUse SystemMessages { get; set; } = SystemMessageUse.Refuse;

    /// <summary>Whether every pass is shuffled by <see cref="Seed"/>, in the same order each time. Trainers shuffle anew each epoch by themselves, and need not have this.</summary>
    public bool Shuffle { get; set; }

    /// <summary>Rows from which the next is drawn wherever rows are shuffled, by <see cref="Shuffle"/> or by a trainer: 1 to 10,000,000. Rows wait there without their pictures. 1 keeps the order of the files, and trainers then shuffle by themselves.</summary>
    public int ShuffleBuffer { get; set; } = 10_000;

    /// <summary>The seed of <see cref="Shuffle"/>; null for that of the <see cref="MLContext"/>, or 0 where it has none.</summary>
    public int? Seed { get; set; }

    /// <summary>Whether a row that cannot be used is skipped, told to the log and listed in <see cref="Skipped"/>. If not, it ends the reading with an error.</summary>
    public bool SkipBadRows { get; set; }

    /// <summary>The rows that were skipped so far. Options used for several views share the list.</summary>
    public SkippedRows Skipped { get; } = new();

    internal void Validate()
    {
        string[] names = [PromptColumnName, ResponseColumnName, ImageColumnName];
        if (names.Any(string.IsNullOrEmpty)) throw new ArgumentException($"A column name of {nameof(RowViewOptions)} is empty; name all three columns.");
        if (names.Distinct().Count() < names.Length) throw new ArgumentException($"The column names of {nameof(RowViewOptions)} are {string.Join(", ", names)}; each needs a name of its own.");
        Require(nameof(MaximumImages), MaximumImages ?? 1, 1024);
        Require(nameof(ShuffleBuffer), ShuffleBuffer, 10_000_000);
        if (!Enum.IsDefined(ImageForm)) throw new ArgumentOutOfRangeException(nameof(ImageForm), ImageForm, $"{nameof(ImageForm)} is {(int)ImageForm}; {string.Join(", ", Enum.GetNames<RowImageForm>())} are possible.");
        if (!Enum.IsDefined(SystemMessages)) throw new ArgumentOutOfRangeException(nameof(SystemMessages), SystemMessages, $"{nameof(SystemMessages)} is {(int)SystemMessages}; {string.Join(", ", Enum.GetNames<SystemMessageUse>())} are possible.");
    }

    private static void Require(string name, int value, int most)
    {
        if (value < 1 || value > most) throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; 1 to {most} are possible.");
    }
}
