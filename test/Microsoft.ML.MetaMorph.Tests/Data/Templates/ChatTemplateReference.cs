using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Published templates and single features against what <c>transformers</c> renders.</summary>
internal static class ChatTemplateReference
{
    [ReferenceKind("chat-template")]
    public static void Check(ReferenceCase reference)
    {
        foreach (JsonElement entry in Entries(reference, "cases")) CheckConversation(reference, entry);
        if (!reference.Json.TryGetProperty("features", out _)) return;
        Dictionary<string, object?> variables = Variables(reference.Json.GetProperty("feature_variables"));
        foreach (JsonElement entry in Entries(reference, "features"))
        {
            string what = $"{reference.Name}: {entry.GetProperty("name").GetString()}";
            Compare(entry, what, () => JinjaTemplate.Parse(entry.GetProperty("template").GetString()!).Render(variables));
        }
    }

    private static IEnumerable<JsonElement> Entries(ReferenceCase reference, string name) => reference.Json.TryGetProperty(name, out JsonElement list) ? list.EnumerateArray() : [];

    private static void CheckConversation(ReferenceCase reference, JsonElement entry)
    {
        string template = entry.GetProperty("template").GetString()!, messages = entry.GetProperty("messages").GetString()!;
        JsonElement conversation = reference.Json.GetProperty("messages").GetProperty(messages);
        bool prompt = entry.GetProperty("add_generation_prompt").GetBoolean();
        Dictionary<string, object?> variables = Variables(entry.GetProperty("variables"));
        string what = $"{reference.Name}: {template}, {messages}, {(prompt ? "with" : "without")} a generation prompt";
        ChatTemplate loaded = ChatTemplate.Load(reference.Path(template));
        Compare(entry, what, () => loaded.RenderValues((List<object?>)JinjaValue.From(conversation)!, prompt, variables));
        if (!conversation.EnumerateArray().All(IsPlain)) return;
        Compare(entry, what + ", as ChatMessage", () => loaded.Render([.. conversation.EnumerateArray().Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))], prompt, variables));
    }

    private static bool IsPlain(JsonElement message) => message.EnumerateObject().All(p => p.Name is "role" or "content" && p.Value.ValueKind == JsonValueKind.String);

    private static Dictionary<string, object?> Variables(JsonElement json) => json.EnumerateObject().ToDictionary(p => p.Name, p => JinjaValue.From(p.Value));

    private static void Compare(JsonElement entry, string what, Func<string> render)
    {
        if (entry.TryGetProperty("expected", out JsonElement expected))
        {
            Assert.AreEqual(expected.GetString(), render(), what);
            return;
        }
        string error = entry.GetProperty("error").GetString()!;
        (string? kind, string reason) = Failure(render, what);
        // of other errors only the fact is published
        if (error.StartsWith("TemplateError: ", StringComparison.Ordinal)) Assert.AreEqual(error, $"{kind}: {reason}", what);
    }

    private static (string Kind, string Reason) Failure(Func<string> render, string what)
    {
        try
        {
            string text = render();
            throw new AssertFailedException($"{what}: an error is expected, but '{text}' was rendered");
        }
        catch (ChatTemplateException error)
        {
            return (error.Kind, error.Reason);
        }
        catch (JinjaError error)
        {
            return (error.Kind, error.Text);
        }
    }
}
