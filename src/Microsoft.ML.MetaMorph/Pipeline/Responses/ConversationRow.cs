using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>The texts of a row as a conversation, with messages that name row and columns.</summary>
internal sealed class ConversationRow
{
    private ConversationRow(long number, string columns, Conversation conversation, int promptMarks)
    {
        Number = number;
        Columns = columns;
        Conversation = conversation;
        PromptMarks = promptMarks;
    }

    public Conversation Conversation { get; }

    public long Number { get; }

    /// <summary>The columns of the texts, for messages.</summary>
    public string Columns { get; }

    /// <summary>The marks in the prompts.</summary>
    public int PromptMarks { get; }

    /// <summary>The marks in the responses that are given.</summary>
    public int ResponseMarks => Conversation.ImageCount - PromptMarks;

    /// <summary>A row whose last prompt is to be answered.</summary>
    /// <param name="settings">The columns' names.</param>
    /// <param name="number">The row's number.</param>
    /// <param name="prompts">The turns of the prompt column.</param>
    /// <param name="responses">The turns of the response column; those behind the last but one are not looked at.</param>
    /// <exception cref="InvalidDataException">There is no prompt, or an earlier turn has no response.</exception>
    public static ConversationRow ForPrompt(MetaMorphSettings settings, long number, string[] prompts, string[]? responses)
    {
        int answered = prompts.Length - 1;
        string columns = RowErrors.Columns(settings.PromptColumnName);
        if (prompts.Length == 0) throw RowErrors.At(number, columns, "there is no turn to answer.");
        if (answered > 0 && (responses?.Length ?? 0) < answered)
        {
            string found = responses is null ? "there is no response column" : $"the column '{settings.ResponseColumnName}' has {responses.Length}";
            throw RowErrors.At(number, columns, $"there are {prompts.Length} turns, so {answered} earlier answers are needed, but {found}.");
        }

        string[] history = answered > 0 ? responses![..answered] : [];
        return Create(settings, number, prompts, history, columns);
    }

    /// <summary>A row to learn from.</summary>
    /// <exception cref="InvalidDataException">Turns differ in number, or there is no response to learn.</exception>
    public static ConversationRow ForTraining(MetaMorphSettings settings, long number, string[] prompts, string[] responses)
    {
        string columns = RowErrors.Columns(settings.PromptColumnName, settings.ResponseColumnName);
        if (prompts.Length != responses.Length)
            throw RowErrors.At(number, columns, $"there are {prompts.Length} prompts and {responses.Length} responses; each prompt needs a response.");
        if (responses.All(string.IsNullOrEmpty))
            throw RowErrors.At(number, RowErrors.Columns(settings.ResponseColumnName), "the text is empty, so there is nothing to learn.");
        return Create(settings, number, prompts, responses, columns);
    }

    private static ConversationRow Create(MetaMorphSettings settings, long number, string[] prompts, string[] responses, string columns)
    {
        int promptMarks = prompts.Sum(ImageMarks.Count), marks = promptMarks + responses.Sum(ImageMarks.Count);
        // Messages about the conversation begin with "Row" and its name, so the name tells the columns too.
        string name = string.Create(CultureInfo.InvariantCulture, $"{number}, {columns}");
        return new ConversationRow(number, columns, Conversation.FromTurns(prompts, responses, marks, name, settings.SystemMessage), promptMarks);
    }
}
