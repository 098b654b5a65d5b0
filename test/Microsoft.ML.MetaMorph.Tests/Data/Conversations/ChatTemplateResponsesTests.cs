using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Finding the responses in what the published chat templates render.</summary>
[TestClass]
public sealed class ChatTemplateResponsesTests
{
    [TestMethod]
    public void EveryResponseIsFoundInEveryTemplate()
    {
        int found = 0;
        foreach (ReferenceCase reference in ReferenceCase.Own("chat-template"))
            foreach (JsonElement item in reference.Json.GetProperty("cases").EnumerateArray())
            {
                if (item.GetProperty("add_generation_prompt").GetBoolean() || !item.TryGetProperty("expected", out JsonElement expected) || expected.ValueKind != JsonValueKind.String) continue;
                ConversationMessage[] messages = Messages(reference, item.GetProperty("messages").GetString()!);
                if (messages.Length == 0) continue;
                Dictionary<string, object?> variables = Variables(item);
                ChatTemplate template = ChatTemplate.Load(reference.Path(item.GetProperty("template").GetString()!));
                found += Check(template, messages, variables, expected.GetString()!, $"{reference.Name}: {item.GetProperty("template")}, {item.GetProperty("messages")}");
            }
        Assert.IsGreaterThan(0, found);
    }

    [TestMethod]
    public void TheDefaultTemplateIsTheMetaMorphFormat()
    {
        ChatTemplate template = LanguageTokenizer.Train([], new BytePairTrainingOptions { VocabularySize = 280 }).ReadChatTemplate();
        ConversationMessage[] messages = [new("system", " Be brief.\n"), new("user", "<image>Q"), new("assistant", "A 日本\n")];
        foreach (bool add in (bool[])[true, false]) Assert.AreEqual(MetaMorphChatFormat.Render(messages, add), template.Render(messages, add));
    }

    private static int Check(ChatTemplate template, ConversationMessage[] messages, Dictionary<string, object?> variables, string expected, string name)
    {
        ChatRenderer render = (all, add) => template.Render(all, add, variables);
        (string text, IReadOnlyList<Range> spans) = ResponseSpans.Render(render, messages, name);
        Assert.AreEqual(expected, text, name);
        string[] answers = [.. messages.Where(m => m.Role == "assistant").Select(m => m.Text)];
        Assert.HasCount(answers.Length, spans, name);
        for (int i = 0; i < answers.Length; i++)
        {
            string learned = text[spans[i]], answer = answers[i].Split("</think>")[^1].Trim();
            StringAssert.Contains(learned, answer, name);
            string end = learned[(learned.LastIndexOf(answer, StringComparison.Ordinal) + answer.Length)..].Trim();
            // One mark ends the turn, and no header of the next or of this one is learned.
            Assert.IsTrue(end is "<|eot_id|>" or "<|im_end|>" or "</s>" or "<end_of_turn>" or "<eos>", $"{name}: ends with '{end}'");
            string start = learned[..learned.LastIndexOf(answer, StringComparison.Ordinal)];
            Assert.IsFalse(start.Contains("<|", StringComparison.Ordinal) || start.Contains("_turn", StringComparison.Ordinal) || start.Contains("INST", StringComparison.Ordinal), $"{name}: begins with '{start}'");
        }
        return spans.Count;
    }

    private static ConversationMessage[] Messages(ReferenceCase reference, string name) =>
        [.. reference.Json.GetProperty("messages").GetProperty(name).EnumerateArray().Select(m => new ConversationMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))];

    private static Dictionary<string, object?> Variables(JsonElement item)
    {
        var variables = new Dictionary<string, object?>();
        if (!item.TryGetProperty("variables", out JsonElement given)) return variables;
        foreach (JsonProperty variable in given.EnumerateObject())
            variables[variable.Name] = variable.Value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => variable.Value.ToString() };
        return variables;
    }
}
