namespace Microsoft.ML.MetaMorph;

/// <summary>How a picture and its caption become rows.</summary>
public sealed class CaptionOptions
{
    /// <summary>Where the caption stands in <see cref="DrawPrompts"/>.</summary>
    public const string CaptionMark = "{caption}";

    /// <summary>What the rows teach.</summary>
    public CaptionTask Task { get; set; } = CaptionTask.Describe;

    /// <summary>Prompts for descriptions, taken in turn; each holds <c>&lt;image&gt;</c> once.</summary>
    public IReadOnlyList<string> DescribePrompts { get; set; } = ["<image>\nDescribe the picture."];

    /// <summary>Prompts for drawings, taken in turn; each holds <see cref="CaptionMark"/> once.</summary>
    public IReadOnlyList<string> DrawPrompts { get; set; } = ["Draw a picture: {caption}"];

    /// <summary>The answer with a drawing; it holds <c>&lt;image&gt;</c> once.</summary>
    public string DrawResponse { get; set; } = ImageMarks.Image;

    internal void Validate()
    {
        if (!Enum.IsDefined(Task)) throw new ArgumentOutOfRangeException(nameof(Task), Task, $"{nameof(Task)} is {(int)Task}; {string.Join(", ", Enum.GetNames<CaptionTask>())} are possible.");
        Require(nameof(DescribePrompts), DescribePrompts, ImageMarks.Image);
        Require(nameof(DrawPrompts), DrawPrompts, CaptionMark);
        Require(nameof(DrawResponse), [DrawResponse], ImageMarks.Image);
    }

    private static void Require(string name, IReadOnlyList<string> texts, string mark)
    {
        if (texts.Count == 0) throw new ArgumentException($"{name} is empty; give at least one text.", name);
        foreach (string text in texts)
        {
            int marks = text.Split(mark).Length - 1;
            if (marks != 1) throw new ArgumentException($"{name}: the text \"{text}\" holds {mark} {marks} times; once is needed.", name);
        }
    }
}
