namespace Microsoft.ML.MetaMorph;

/// <summary>The options of a view as they were when it was made, with what was left open decided.</summary>
/// <param name="Prompt">The column of prompts.</param>
/// <param name="Response">The column of responses.</param>
/// <param name="Images">The columns of pictures: one of paths, or one for each picture of bytes.</param>
/// <param name="AsPaths">Whether pictures stand as paths.</param>
/// <param name="SeveralTurns">Whether texts are vectors.</param>
/// <param name="MaximumImages">The most pictures of a row.</param>
/// <param name="SystemMessages">What becomes of system messages.</param>
/// <param name="ShuffleSeed">The seed of every pass; null for the order of the files.</param>
/// <param name="ShuffleBuffer">Rows from which the next is drawn.</param>
/// <param name="SkipBadRows">Whether bad rows are skipped.</param>
/// <param name="Skipped">Lists them.</param>
internal sealed record RowViewSettings(
    string Prompt,
    string Response,
    IReadOnlyList<string> Images,
    bool AsPaths,
    bool SeveralTurns,
    int MaximumImages,
    SystemMessageUse SystemMessages,
    int? ShuffleSeed,
    int ShuffleBuffer,
    bool SkipBadRows,
    SkippedRows Skipped)
{
    public static RowViewSettings Of(RowViewOptions options, RowSource source, int? contextSeed)
    {
        options.Validate();
        bool asPaths = options.ImageForm == RowImageForm.Paths || (options.ImageForm == RowImageForm.Auto && source.ImagesAreFiles);
        if (asPaths && !source.ImagesAreFiles)
            throw new ArgumentException($"{nameof(RowViewOptions.ImageForm)} is {nameof(RowImageForm.Paths)}, but pictures of this source lie inside other files and have no paths. Set {nameof(RowImageForm.Bytes)}.", nameof(options));
        int columns = asPaths ? 1 : options.MaximumImages ?? 1;
        return new RowViewSettings(
            options.PromptColumnName,
            options.ResponseColumnName,
            [.. Enumerable.Range(1, columns).Select(number => number == 1 ? options.ImageColumnName : FormattableString.Invariant($"{options.ImageColumnName}{number}"))],
            asPaths,
            options.SeveralTurns,
            options.MaximumImages ?? (asPaths ? int.MaxValue : 1),
            options.SystemMessages,
            options.Shuffle ? options.Seed ?? contextSeed ?? 0 : null,
            options.ShuffleBuffer,
            options.SkipBadRows,
            options.Skipped);
    }

    /// <summary>The row as the columns hold it.</summary>
    /// <exception cref="InvalidDataException">It has more turns, pictures or messages than they can hold.</exception>
    public InstructionRow Fit(InstructionRow row)
    {
        if (!SeveralTurns && row.Prompts.Count > 1)
            throw new InvalidDataException($"the row has {row.Prompts.Count} turns, and the columns hold one. Set {nameof(RowViewOptions.SeveralTurns)}.");
        if (row.Images.Count > MaximumImages)
            throw new InvalidDataException($"the row has {row.Images.Count} pictures, more than {nameof(RowViewOptions.MaximumImages)} = {MaximumImages}. Raise it{(AsPaths ? "" : $", and give EncodeImages all columns ('{Images[0]}', '{Images[0]}2', …)")}.");
        if (string.IsNullOrWhiteSpace(row.System) || SystemMessages == SystemMessageUse.LeaveOut) return row;
        if (SystemMessages == SystemMessageUse.Refuse)
            throw new InvalidDataException($"the row has a system message, and trainers take one for all rows. Set {nameof(RowViewOptions.SystemMessages)} to {nameof(SystemMessageUse.JoinPrompt)} (in front of the first prompt) or {nameof(SystemMessageUse.LeaveOut)}.");
        return new InstructionRow([$"{row.System}\n\n{row.Prompts[0]}", .. row.Prompts.Skip(1)], row.Responses, row.Images) { Kind = row.Kind };
    }
}
