using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// One row of training data, whatever file it comes from: prompts and responses in turn, and the pictures of their <c>&lt;image&gt;</c> marks.
/// A row that exists is whole: every prompt has its response, no response is empty, every mark has its picture.
/// </summary>
public sealed class InstructionRow
{
    /// <summary>Makes a row.</summary>
    /// <param name="prompts">The prompts, one a turn; <c>&lt;image&gt;</c> marks where a picture stands.</param>
    /// <param name="responses">The responses, one a prompt.</param>
    /// <param name="images">The pictures in the order of their marks: those of all prompts first, then those of the responses.</param>
    /// <exception cref="InvalidDataException">There is no turn, prompts and responses or marks and pictures differ in number, or a response is empty.</exception>
    public InstructionRow(IReadOnlyList<string> prompts, IReadOnlyList<string> responses, IReadOnlyList<RowImage>? images = null)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(responses);
        Prompts = prompts;
        Responses = responses;
        Images = images ?? [];
        PromptImageCount = prompts.Sum(ImageMarks.Count);
        RequireTurns();
        RequireMarks();
    }

    /// <summary>The prompts, one a turn.</summary>
    public IReadOnlyList<string> Prompts { get; }

    /// <summary>The responses, one a prompt.</summary>
    public IReadOnlyList<string> Responses { get; }

    /// <summary>The pictures: those of all prompts first, then those of the responses.</summary>
    public IReadOnlyList<RowImage> Images { get; }

    /// <summary>How many of the pictures belong to prompts.</summary>
    public int PromptImageCount { get; }

    /// <summary>What the assistant is told before the conversation; null for nothing.</summary>
    public string? System { get; init; }

    /// <summary>What the data says of the kind of this row (<c>kind</c> in JSON files); null for nothing.</summary>
    public string? Kind { get; init; }

    /// <summary>A row of messages as conversation files hold them: at most one system message, then user and assistant in turn.</summary>
    /// <param name="messages">The messages; their roles are <c>system</c>, <c>user</c> and <c>assistant</c>.</param>
    /// <param name="images">The pictures in the order of their marks, whoever speaks.</param>
    /// <param name="kind">The kind of the row; null for none.</param>
    /// <returns>The row, its pictures ordered anew.</returns>
    /// <exception cref="InvalidDataException">A role is unknown or out of turn, or the row is not whole.</exception>
    public static InstructionRow FromMessages(IReadOnlyList<ConversationMessage> messages, IReadOnlyList<RowImage> images, string? kind = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentNullException.ThrowIfNull(images);
        var prompts = new List<string>();
        var responses = new List<string>();
        string? system = null;
        for (int i = 0; i < messages.Count; i++)
        {
            ConversationMessage message = messages[i];
            if (i == 0 && message.Role == ConversationMessage.SystemRole) system = message.Text;
            else (prompts.Count == responses.Count ? prompts : responses).Add(InTurn(message, i, prompts.Count == responses.Count));
        }

        if (system is not null && ImageMarks.Count(system) > 0) throw new InvalidDataException($"the system message holds an {ImageMarks.Image} mark. Pictures belong into prompts and responses.");
        if (prompts.Count > responses.Count)
            throw new InvalidDataException($"message {messages.Count} of {messages.Count} is the user's, so the last prompt has no answer to learn. End with an assistant's message.");
        return new InstructionRow(prompts, responses, PromptsFirst(prompts, responses, images)) { System = system, Kind = kind };
    }

    /// <summary>A row in LLaVA's form (<c>conversations</c> of <c>from</c> and <c>value</c>, <c>image</c> beside it) or Hugging Face's (<c>messages</c> of <c>role</c> and <c>content</c>, <c>images</c> beside it).</summary>
    /// <param name="row">The object.</param>
    /// <param name="image">Gives the picture of a path in it.</param>
    /// <returns>The row.</returns>
    /// <exception cref="InvalidDataException">Something in the row is missing, unknown or of a wrong type, or the row is not whole.</exception>
    public static InstructionRow FromJson(JsonElement row, Func<string, RowImage> image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return row.ValueKind == JsonValueKind.Object ? ConversationJson.Read(row, image) : throw JsonRow.WrongKind(row, "the row", "an object");
    }

    private static string InTurn(ConversationMessage message, int index, bool user)
    {
        string expected = user ? ConversationMessage.UserRole : ConversationMessage.AssistantRole;
        return message.Role == expected
            ? message.Text
            : throw new InvalidDataException($"message {index + 1} is by '{message.Role}' where '{expected}' has the turn. Messages go system (at most one, first), then user and assistant in turn.");
    }

    private static RowImage[] PromptsFirst(List<string> prompts, List<string> responses, IReadOnlyList<RowImage> images)
    {
        // A wrong number is told by the row itself.
        if (images.Count != prompts.Sum(ImageMarks.Count) + responses.Sum(ImageMarks.Count)) return [.. images];
        var ofPrompts = new List<RowImage>();
        var ofResponses = new List<RowImage>();
        int next = 0;
        for (int turn = 0; turn < prompts.Count; turn++)
        {
            for (int k = ImageMarks.Count(prompts[turn]); k > 0; k--) ofPrompts.Add(images[next++]);
            for (int k = ImageMarks.Count(responses[turn]); k > 0; k--) ofResponses.Add(images[next++]);
        }

        return [.. ofPrompts, .. ofResponses];
    }

    private void RequireTurns()
    {
        if (Prompts.Count == 0) throw new InvalidDataException("the row has no turn. Give it a prompt and a response.");
        if (Prompts.Count != Responses.Count) throw new InvalidDataException($"there are {Prompts.Count} prompts and {Responses.Count} responses; each prompt needs a response.");
        for (int turn = 0; turn < Responses.Count; turn++)
        {
            if (string.IsNullOrWhiteSpace(Responses[turn]))
                throw new InvalidDataException($"the answer of turn {turn + 1} of {Responses.Count} is empty, so there is nothing to learn. Write it, or take the row out.");
        }
    }

    private void RequireMarks()
    {
        int marks = PromptImageCount + Responses.Sum(ImageMarks.Count);
        if (marks != Images.Count)
            throw new InvalidDataException($"the texts hold {marks} {ImageMarks.Image} marks, but the row has {Images.Count} pictures. Give every mark one picture and every picture one mark.");
        foreach (string text in Prompts.Concat(Responses))
        {
            if (!text.Contains("<image_", StringComparison.Ordinal)) continue;
            try
            {
                ImageMarks.Wrap(text);
            }
            catch (FormatException failure)
            {
                throw new InvalidDataException(failure.Message, failure);
            }
        }
    }
}
