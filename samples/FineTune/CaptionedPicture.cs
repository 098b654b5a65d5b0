using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>
/// A picture and what is said of it, from which an encoder learns to see. Rows have no captions; what is said in the turn of a picture, prompt and
/// answer without marks, stands for one: the description that asks for a picture, or a question with its answer. A picture with several questions
/// is there several times.
/// </summary>
internal sealed class CaptionedPicture
{
    public string Image { get; set; } = "";

    public string Caption { get; set; } = "";

    /// <summary>All pictures of all rows of which something is said.</summary>
    /// <exception cref="InvalidDataException">There are none.</exception>
    public static List<CaptionedPicture> Of(TrainingRows rows)
    {
        List<CaptionedPicture> pictures = [.. rows.Read().SelectMany(OfRow).Distinct().Select(entry => new CaptionedPicture { Image = entry.Image, Caption = entry.Caption })];
        return pictures.Count > 0 ? pictures : throw new InvalidDataException("Nothing is said of any picture, so no encoder can be trained on them; give one by --encoder.");
    }

    private static IEnumerable<(string Image, string Caption)> OfRow(InstructionRow row)
    {
        int next = 0;
        // The pictures of all prompts come first, then those of the responses.
        foreach (IReadOnlyList<string> texts in (IReadOnlyList<string>[])[row.Prompts, row.Responses])
        {
            for (int turn = 0; turn < texts.Count; turn++)
            {
                string caption = $"{RowKinds.Words(row.Prompts[turn])} {RowKinds.Words(row.Responses[turn])}".Trim();
                for (int mark = RowKinds.Marks(texts[turn]); mark > 0; mark--)
                {
                    string image = row.Images[next++].Path!;        // pictures of conversation files are files
                    if (caption.Length > 0) yield return (image, caption);
                }
            }
        }
    }
}
