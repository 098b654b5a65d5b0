using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Published templates and single features against what <c>transformers</c> renders.</summary>
internal static class ChatTemplateReference
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [ReferenceKind("chat-template")]
    public static void Check(ReferenceCase reference)
    {
        var failures = new List<string>();
        if (!reference.Json.TryGetProperty("cases", out _) && !reference.Json.TryGetProperty("features", out _)) Assert.Fail($"{reference.Name}: case.json has neither 'cases' nor 'features'.");
        foreach (JsonElement entry in Entries(reference, "cases")) Collect(failures, () => CheckConversation(reference, entry));
        foreach (JsonElement entry in Entries(reference, "features")) Collect(failures, () => CheckFeature(reference, entry));
        if (failures.Count > 0) Assert.Fail($"{failures.Count} figures differ:\n{string.Join("\n", failures.Take(100))}");
    }

    /// <summary>One wrong figure does not hide the others.</summary>
    private static void Collect(List<string> failures, Action check)
    {
        try
        {
            check();
        }
        catch (Exception failure) when (failure is AssertFailedException or JinjaError or ChatTemplateException)
        {
            failures.Add(failure.Message);
        }
    }

    private static void CheckFeature(ReferenceCase reference, JsonElement entry)
    {
        Dictionary<string, object?> variables = Variables(reference.Json.GetProperty("feature_variables"));
        Compare(entry, $"{reference.Name}: {entry.GetProperty("name").GetString()}", () => JinjaTemplate.Parse(entry.GetProperty("template").GetString()!).Render(variables));
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
        Compare(entry, what + ", as ConversationMessage", () => loaded.Render([.. conversation.EnumerateArray().Select(m => new ConversationMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))], prompt, variables));
    }

    private static bool IsPlain(JsonElement message) => message.EnumerateObject().All(p => p.Name is "role" or "content" && p.Value.ValueKind == JsonValueKind.String);

    private static Dictionary<string, object?> Variables(JsonElement json) => json.EnumerateObject().ToDictionary(p => p.Name, p => JinjaValue.From(p.Value));

    private static void Compare(JsonElement entry, string what, Func<string> render)
    {
        if (entry.TryGetProperty("expected", out JsonElement expected))
        {
            string text = Rendered(render, what);
            if (text != expected.GetString()) Assert.Fail($"{what}\n  expected {JsonSerializer.Serialize(expected.GetString(), Readable)}\n  actual   {JsonSerializer.Serialize(text, Readable)}");
            return;
        }
        string error = entry.GetProperty("error").GetString()!;
        (string? kind, string reason) = Failure(render, what);
        Assert.AreEqual(error, $"{kind}: {reason}", what);
    }

    private static string Rendered(Func<string> render, string what)
    {
        try
        {
            return render();
        }
        catch (Exception failure) when (failure is JinjaError or ChatTemplateException)
        {
            throw new AssertFailedException($"{what}\n  failed: {failure.Message}");
        }
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
