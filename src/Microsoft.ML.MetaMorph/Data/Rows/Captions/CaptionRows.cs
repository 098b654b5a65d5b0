namespace Microsoft.ML.MetaMorph;

/// <summary>Makes rows of a picture and its caption: image → caption, caption → image, or both.</summary>
internal sealed class CaptionRows(CaptionOptions options)
{
    private readonly CaptionTask _task = options.Task;
    private readonly string[] _describe = [.. options.DescribePrompts];
    private readonly string[] _draw = [.. options.DrawPrompts];
    private readonly string _response = options.DrawResponse;

    /// <summary>The rows of one pair; one problem where it cannot be used.</summary>
    /// <param name="place">Where it stands.</param>
    /// <param name="number">Its number among the pairs, which chooses the prompts.</param>
    /// <param name="pair">Gives picture and caption, or throws an <see cref="InvalidDataException"/>.</param>
    public IEnumerable<RowReading> Make(RowPlace place, long number, Func<(RowImage Image, string Caption)> pair)
    {
        (RowImage Image, string Caption) found = default;
        RowReading first = RowReading.Make(place, () =>
        {
            found = pair();
            if (string.IsNullOrWhiteSpace(found.Caption)) throw new InvalidDataException("the caption is empty, so there is nothing to learn. Write it, or take the row out.");
            if (ImageMarks.Count(found.Caption) > 0) throw new InvalidDataException($"the caption holds an {ImageMarks.Image} mark, and there is no further picture for it. Take it out.");
            return _task == CaptionTask.Draw ? Draw(found, number) : Describe(found, number);
        });
        yield return first;
        if (_task == CaptionTask.Both && first.Row is not null) yield return RowReading.Make(place, () => Draw(found, number));
    }

    private InstructionRow Describe((RowImage Image, string Caption) pair, long number) => new([InTurn(_describe, number)], [pair.Caption], [pair.Image]) { Kind = "ImageToText" };

    private InstructionRow Draw((RowImage Image, string Caption) pair, long number)
        => new([InTurn(_draw, number).Replace(CaptionOptions.CaptionMark, pair.Caption, StringComparison.Ordinal)], [_response], [pair.Image]) { Kind = "TextToImage" };

    private static string InTurn(string[] texts, long number) => texts[number % texts.Length];
}
