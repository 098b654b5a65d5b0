namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The visual tokens of a row and the marks that they stand for: one column for prompts and responses together, or one for each. With one
/// for each a missing picture is an error; in a common column the next picture takes its place, which is told where a whole column of pictures is empty.
/// </summary>
internal sealed class ConversationPictures
{
    // Where a row has no picture at all, it may be because EncodeImages could not read it.
    private const string Unread = "; if EncodeImages has an ErrorColumnName, that column says whether a picture could not be read";

    private readonly MetaMorphSettings _settings;
    private readonly int _length;
    private readonly VisualTokensColumn? _first;
    private readonly VisualTokensColumn? _responses;
    private readonly PictureCounts? _counts;

    /// <param name="row">The rows.</param>
    /// <param name="settings">The columns' names.</param>
    /// <param name="config">The sizes of visual tokens.</param>
    /// <param name="responses">Whether responses are read, and with them the column of their pictures.</param>
    public ConversationPictures(DataViewRow row, MetaMorphSettings settings, MetaMorphConfig config, bool responses)
    {
        _settings = settings;
        _length = config.VisualTokenCount * config.VisualTokenWidth;
        _first = Open(settings.VisualTokensColumnName);
        _counts = settings.ResponseVisualTokensColumnName is null ? PictureCounts.Open(row, settings.VisualTokensColumnName) : null;
        _responses = responses ? Open(settings.ResponseVisualTokensColumnName) : null;
        VisualTokensColumn? Open(string? name) => name is null ? null : new VisualTokensColumn(row, name, config.VisualTokenCount, config.VisualTokenWidth);
    }

    /// <summary>The visual tokens of the row on which the input stands: those of the prompts, then those of the responses.</summary>
    /// <param name="row">The row's texts.</param>
    /// <param name="exactly">Whether pictures of responses that have no mark are an error too; else they belong to an answer that is to be made, and are not looked at.</param>
    /// <exception cref="InvalidDataException">Marks and pictures differ in number, or the tokens cannot be used.</exception>
    public float[] Read(ConversationRow row, bool exactly)
    {
        int marks = row.PromptMarks + row.ResponseMarks;
        if (_settings.ResponseVisualTokensColumnName is null)
        {
            float[] together = Values(_first, row, exactly ? int.MaxValue : marks);
            Require(row, marks, together, exactly, $"there are {marks} {ImageMarks.Image} marks", _settings.VisualTokensColumnName, "Give every mark its picture, prompts first");
            RequireInPlace(row);
            return together;
        }

        float[] prompts = Values(_first, row, int.MaxValue), responses = Values(_responses, row, exactly ? int.MaxValue : row.ResponseMarks);
        Require(row, row.PromptMarks, prompts, true, Marks("prompt", _settings.PromptColumnName, row.PromptMarks), _settings.VisualTokensColumnName, "Give every mark of a prompt its picture there");
        Require(row, row.ResponseMarks, responses, exactly, Marks("response", _settings.ResponseColumnName, row.ResponseMarks), _settings.ResponseVisualTokensColumnName, "Give every mark of a response its picture there");
        return [.. prompts, .. responses];
    }

    /// <summary>The columns that are read: those of the prompts, of the responses, and the counts beside a common column that is made from several columns of pictures.</summary>
    public static IEnumerable<string> Columns(DataViewSchema schema, MetaMorphSettings settings, bool responses)
    {
        if (settings.VisualTokensColumnName is { } first) yield return first;
        if (settings.ResponseVisualTokensColumnName is null)
        {
            if (PictureCounts.Find(schema, settings.VisualTokensColumnName) is { } counts) yield return counts.Name;
        }
        else if (responses)
        {
            yield return settings.ResponseVisualTokensColumnName;
        }
    }

    private static string Marks(string side, string? column, int marks) => $"the {side} column '{column}' has {marks} {ImageMarks.Image} marks";

    private static float[] Values(VisualTokensColumn? column, ConversationRow row, int used) => column?.Read(row.Number, used) ?? [];

    /// <summary>Checks that no mark of a prompt gets a picture that moved up from behind an empty column.</summary>
    private void RequireInPlace(ConversationRow row)
    {
        if (_counts?.Gap() is not var (before, empty, next) || before >= row.PromptMarks) return;
        throw RowErrors.At(row.Number, row.Columns, $"{Marks("prompt", _settings.PromptColumnName, row.PromptMarks)}, but its column of pictures '{empty}' is empty, so a picture of '{next}' would take that place in '{_settings.VisualTokensColumnName}'. "
            + $"Give the row its picture or leave the mark out; pictures of responses can have a column of visual tokens of their own ({nameof(ResponseColumns.ResponseVisualTokensColumnName)}).");
    }

    private void Require(ConversationRow row, int marks, float[] values, bool exactly, string found, string? column, string advice)
    {
        int pictures = values.Length / _length;
        if (pictures == marks || (!exactly && pictures > marks)) return;
        string held = column is null ? "there is no visual tokens column for them" : $"the column '{column}' holds {pictures} pictures";
        throw RowErrors.At(row.Number, row.Columns, $"{found}, but {held}. {advice}{(column is not null && pictures == 0 ? Unread : "")}.");
    }
}
