using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A row of a conversation file. LLaVA's form: <c>conversations</c> of <c>from</c> and <c>value</c>, <c>image</c> beside it. Hugging Face's form:
/// <c>messages</c> of <c>role</c> and <c>content</c>, which is a text or a list of parts of the types <c>text</c> and <c>image</c>, <c>images</c> beside it.
/// </summary>
internal static class ConversationJson
{
    private const string Conversations = "conversations", Messages = "messages";

    // Pictures beside the messages.
    private static readonly string[] PictureKeys = ["image", "images"];

    // Where a picture inside a message, or an object in a list of pictures, has its path.
    private static readonly string[] PathKeys = ["path", "image", "url"];

    /// <param name="row">The object.</param>
    /// <param name="image">The picture at a path.</param>
    /// <param name="unnamed">The pictures of a row that names none; null for none.</param>
    /// <exception cref="InvalidDataException">Something in the row is missing, unknown or of a wrong type.</exception>
    public static InstructionRow Read(JsonElement row, Func<string, RowImage> image, IReadOnlyList<RowImage>? unnamed = null)
    {
        bool llava = row.TryGetProperty(Conversations, out JsonElement list), chat = row.TryGetProperty(Messages, out JsonElement messages);
        if (llava == chat) throw new InvalidDataException(llava ? $"the row has both '{Conversations}' and '{Messages}'; leave one." : $"the row has neither '{Conversations}' nor '{Messages}'; it has {JsonRow.Keys(row)}.");
        if (chat) list = messages;
        string name = chat ? Messages : Conversations;
        if (list.ValueKind != JsonValueKind.Array) throw JsonRow.WrongKind(list, name, "a list of messages");
        var read = new List<ConversationMessage>();
        var images = new List<RowImage?>();
        foreach (JsonElement message in list.EnumerateArray()) read.Add(ReadMessage(message, $"{name}[{read.Count}]", chat, images, image));
        // A row whose marks all name their pictures needs no others.
        bool open = images.Count == 0 || images.Contains(null);
        string? kind = row.TryGetProperty("kind", out JsonElement told) && told.ValueKind != JsonValueKind.Null ? JsonRow.Text(told, "kind") : null;
        return InstructionRow.FromMessages(read, Fill(images, Beside(row, image, open ? unnamed : null)), kind);
    }

    private static ConversationMessage ReadMessage(JsonElement message, string name, bool chat, List<RowImage?> images, Func<string, RowImage> image)
    {
        if (message.ValueKind != JsonValueKind.Object) throw JsonRow.WrongKind(message, name, "an object");
        string role = Role(Required(message, name, chat ? "role" : "from"), name, chat ? "role" : "from");
        JsonElement content = Required(message, name, chat ? "content" : "value");
        name = $"{name}.{(chat ? "content" : "value")}";
        if (chat && content.ValueKind == JsonValueKind.Array) return new ConversationMessage(role, Parts(content, name, images, image));
        if (content.ValueKind != JsonValueKind.String) throw JsonRow.WrongKind(content, name, chat ? "a text or a list of parts" : "a text");
        string text = JsonRow.Text(content, name);
        AddMarks(text, images);
        return new ConversationMessage(role, text);
    }

    private static JsonElement Required(JsonElement message, string name, string key)
        => message.TryGetProperty(key, out JsonElement value) ? value : throw new InvalidDataException($"'{name}' has no '{key}'; it has {JsonRow.Keys(message)}.");

    private static string Role(JsonElement value, string name, string key) => JsonRow.Text(value, $"{name}.{key}") switch
    {
        "human" or "user" => ConversationMessage.UserRole,
        "gpt" or "assistant" => ConversationMessage.AssistantRole,
        "system" => ConversationMessage.SystemRole,
        string other => throw new InvalidDataException($"'{name}.{key}' is '{other}'; known are 'human' and 'user', 'gpt' and 'assistant', and 'system'."),
    };

    private static string Parts(JsonElement content, string name, List<RowImage?> images, Func<string, RowImage> image)
    {
        var text = new StringBuilder();
        int index = 0;
        foreach (JsonElement part in content.EnumerateArray())
        {
            string place = $"{name}[{index++}]";
            if (part.ValueKind != JsonValueKind.Object) throw JsonRow.WrongKind(part, place, "an object with a 'type'");
            string type = JsonRow.Text(Required(part, place, "type"), $"{place}.type");
            if (type == "text")
            {
                string said = JsonRow.Text(Required(part, place, "text"), $"{place}.text");
                AddMarks(said, images);
                text.Append(said);
            }
            else if (type == "image")
            {
                images.Add(PathOf(part, place) is { } path ? image(path) : null);
                text.Append(ImageMarks.Image);
            }
            else
            {
                throw new InvalidDataException($"'{place}.type' is '{type}'; 'text' and 'image' are known.");
            }
        }

        return text.ToString();
    }

    private static void AddMarks(string text, List<RowImage?> images)
    {
        for (int marks = ImageMarks.Count(text); marks > 0; marks--) images.Add(null);
    }

    /// <summary>The path in an object that stands for a picture; null where it has none, or null for it.</summary>
    private static string? PathOf(JsonElement picture, string name)
    {
        foreach (string key in PathKeys)
        {
            if (picture.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null) return JsonRow.Text(value, $"{name}.{key}");
        }

        return null;
    }

    private static IReadOnlyList<RowImage> Beside(JsonElement row, Func<string, RowImage> image, IReadOnlyList<RowImage>? unnamed)
    {
        var images = new List<RowImage>();
        string? found = null;
        foreach (string key in PictureKeys)
        {
            if (!row.TryGetProperty(key, out JsonElement value) || value.ValueKind == JsonValueKind.Null) continue;
            if (found is not null) throw new InvalidDataException($"the row has both '{found}' and '{key}'; leave one.");
            found = key;
            if (value.ValueKind == JsonValueKind.Array)
            {
                foreach (JsonElement entry in value.EnumerateArray()) images.Add(image(PathIn(entry, $"{key}[{images.Count}]")));
            }
            else
            {
                images.Add(image(PathIn(value, key)));
            }
        }

        return found is null && unnamed is not null ? unnamed : images;
    }

    private static string PathIn(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.String => JsonRow.Text(value, name),
        JsonValueKind.Object => PathOf(value, name) ?? throw new InvalidDataException($"'{name}' has no 'path'; it has {JsonRow.Keys(value)}."),
        _ => throw JsonRow.WrongKind(value, name, "a path (a text), an object with a 'path', or a list of them"),
    };

    /// <summary>Gives the marks that name no picture those beside the messages, in order. Where the numbers differ, the row will say so.</summary>
    private static List<RowImage> Fill(List<RowImage?> marked, IReadOnlyList<RowImage> beside)
    {
        int open = marked.Count(image => image is null), next = 0;
        if (open != beside.Count) return [.. marked.OfType<RowImage>(), .. beside];
        return [.. marked.Select(image => image ?? beside[next++])];
    }
}
